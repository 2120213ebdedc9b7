"""The hub: timm's own weights, and an error that helps where it cannot be reached."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import timm
from huggingface_hub import constants, try_to_load_from_cache
from timm.models import load_model_config_from_hf

from octlib.models.configs import BackboneConfig, folder_config, named_config, specify
from octlib.models.spec import BackboneSpec

HUB_PREFIX = "hf-hub:"
CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
PATIENCE = 10  # seconds

Result = TypeVar("Result")


def from_hub(name: str, image_size: int | tuple[int, int] | None) -> tuple[BackboneSpec, Any]:
    """Create a backbone with the weights that timm names for it.

    Args:
        name: a timm architecture, with or without a weights tag, or ``"hf-hub:owner/name"``.
        image_size: in pixels; ``None`` is the backbone's own.

    Returns:
        The specification and the timm module, without a head.

    Raises:
        ValueError: if the name is unknown, or timm has no weights for it.
        ConnectionError: if the weights are neither in the local cache nor to be had from the hub.
    """
    if name.startswith(HUB_PREFIX):
        config = _cached_config(name) or _downloaded(name, lambda: _hub_config(name))
    else:
        config = named_config(name)
        _require_weights(name, config)
    spec = specify(config, image_size, origin=f"timm's {name}", fixed_batchnorm=True)
    # From the cache without a question to the hub, which takes most of a minute where there is no network.
    cached = _cached(config.pretrained_cfg.get("hf_hub_id"), WEIGHTS_NAME)
    if cached is not None:
        cfg = {key: config.pretrained_cfg.get(key) for key in ("num_classes", "classifier", "first_conv")}
        return spec, timm.create_model(
            spec.architecture if name.startswith(HUB_PREFIX) else name,
            pretrained=True,
            # Without custom_load: that is for the files of other origins, such as .npz, which timm knows too.
            pretrained_cfg_overlay={**cfg, "file": str(cached), "custom_load": False},
            num_classes=0,
            **spec.model_args,
        )
    arguments = {key: value for key, value in spec.model_args.items() if key == "img_size"}
    return spec, _downloaded(name, lambda: timm.create_model(name, pretrained=True, num_classes=0, **arguments))


def _hub_config(name: str) -> BackboneConfig:
    pretrained_cfg, architecture, model_args = load_model_config_from_hf(name.removeprefix(HUB_PREFIX))
    return BackboneConfig(architecture, {**named_config(architecture).pretrained_cfg, **pretrained_cfg}, model_args)


def _require_weights(name: str, config: BackboneConfig) -> None:
    if not any(config.pretrained_cfg.get(source) for source in ("hf_hub_id", "url", "file")):
        raise ValueError(
            f"timm has no pretrained weights for {name!r}. Use weights=PATH with a .safetensors or .pth file "
            "or a timm folder, weights=None for random ones, or another backbone."
        )


def _cached_config(name: str) -> BackboneConfig | None:
    identifier = name.removeprefix(HUB_PREFIX)
    path = _cached(identifier, CONFIG_NAME)
    if path is None:
        return None
    config = folder_config(path.parent)
    return replace(config, pretrained_cfg={**config.pretrained_cfg, "hf_hub_id": identifier})


def _cached(repository: str | None, file: str) -> Path | None:
    if not repository:
        return None
    identifier, _, revision = repository.partition("@")
    found = try_to_load_from_cache(identifier, file, revision=revision or None)
    return Path(found) if isinstance(found, str) else None  # it also tells of files that are known not to exist


def _downloaded(name: str, download: Callable[[], Result]) -> Result:
    """Call a function that downloads; whatever goes wrong, say which choices are left."""
    try:
        _require_hub()
        return download()
    except Exception as error:  # the hub's client raises a dozen kinds, and others with each release
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConnectionError(
            f"The pretrained weights of {name!r} are not in the local cache and could not be downloaded from "
            f"{constants.ENDPOINT} ({reason}). Three choices are left: connect to the network once, or copy a cache "
            "and point HF_HOME to it; weights=PATH with a .safetensors or .pth file or a timm folder; "
            "or weights=None for random weights."
        ) from error


def _require_hub() -> None:
    """Fail at once where the hub is out of reach: its own client tries again and again for most of a minute."""
    if constants.HF_HUB_OFFLINE:
        raise ConnectionError("HF_HUB_OFFLINE is set")
    try:
        # Through a proxy, too, where one is configured.
        urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=PATIENCE).close()
    except HTTPError:
        pass  # An answer, if an unfriendly one: the hub is there.
    except URLError as error:
        if not isinstance(error.reason, ssl.SSLError):  # The hub's client has certificates of its own.
            raise ConnectionError(str(error.reason)) from error
