"""The hub: weights from it or from its local cache, and an error that helps where it cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import timm
from huggingface_hub import constants, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError

from octlib.errors import HubError, WeightsError
from octlib.models.configs import CONFIG, BackboneConfig, file_config, named_config, specify
from octlib.models.hub_cache import NAMES_IN_FOLDER, cached_file
from octlib.models.hub_questions import HUB_PREFIX, ask, reason_of
from octlib.models.networks import loaded_module
from octlib.models.sizing import loaded_at
from octlib.models.spec import BackboneSpec


def from_hub(name: str, image_size: int | tuple[int, int] | None) -> tuple[BackboneSpec, Any, tuple[int, int]]:
    """Create a backbone with the weights that timm names for it.

    Args:
        name: a timm architecture, with or without a weights tag, or ``"hf-hub:owner/name"``.
        image_size: in pixels; ``None`` is the backbone's own.

    Returns:
        The specification, the timm module without a head, and (height, width) of the scans in pixels.

    Raises:
        ValueError: if the name is unknown, or timm has no weights for it.
        WeightsError: if somebody's configuration says more than it may, or the weights don't fit it.
        ImageSizeError: if the architecture, or its weights, can't take the size.
        HubError: if the weights are neither in the local cache nor to be had from the hub.
    """
    origin = f"timm's {name}"
    if name.startswith(HUB_PREFIX):
        with _choices_named(name):
            files = [_file(name.removeprefix(HUB_PREFIX), names) for names in ([CONFIG], NAMES_IN_FOLDER)]
        config = file_config(files[0])
        spec, size = specify(config, image_size, origin=origin, fixed_batchnorm=True)
        return *loaded_at(lambda spec: loaded_module(spec, files[1]), spec, size, config.image_size), size
    config = named_config(name)
    _require_weights(name, config)
    spec, size = specify(config, image_size, origin=origin, fixed_batchnorm=True)
    load = partial(_timm_module, name, config.pretrained_cfg)
    return spec, loaded_at(load, spec, size, config.image_size), size


def _require_weights(name: str, config: BackboneConfig) -> None:
    if not any(config.pretrained_cfg.get(source) for source in ("hf_hub_id", "url", "file")):
        raise WeightsError(
            f"timm has no pretrained weights for {name!r}.",
            "Use weights=PATH with a .safetensors or .pth file or a timm folder, weights=None for random ones, or "
            "another backbone.",
        )


def _timm_module(name: str, cfg: dict[str, Any], spec: BackboneSpec) -> Any:
    """Have timm itself load the weights, which it converts for some architectures."""

    def create(**overlay: Any) -> Any:
        return timm.create_model(
            name, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=0, **spec.model_args
        )

    repository, file_name = cfg.get("hf_hub_id"), cfg.get("hf_hub_filename")
    with _choices_named(name):
        file = _file(repository, [file_name] if file_name else NAMES_IN_FOLDER) if repository else None
        if file is None or file_name:  # files of other origins, such as .npz, which timm knows how to read
            return create()
    kept = {key: cfg.get(key) for key in ("num_classes", "classifier", "first_conv")}
    return create(**kept, file=str(file), custom_load=False)


def _file(repository: str, names: Sequence[str]) -> Path:
    """Take the first file that there is of a repository: from the cache, without a question to the hub, else from it.

    Raises:
        Exception: of the hub's client, if none is to be had.
    """
    if cached := cached_file(repository, names):
        return cached
    identifier, _, revision = repository.partition("@")
    where: dict[str, Any] = {"repo_id": identifier, "revision": revision or None}
    name, *others = names
    try:
        ask(filename=name, **where)
    except EntryNotFoundError:
        if not others:
            raise
        return _file(repository, others)
    return Path(hf_hub_download(filename=name, **where))


@contextmanager
def _choices_named(name: str) -> Iterator[None]:
    """Say which choices are left, whatever goes wrong with a download."""
    try:
        yield
    except Exception as error:  # the hub's client raises a dozen kinds, and others with each release
        raise HubError(
            f"The pretrained weights of {name!r} are not in the local cache and could not be downloaded from "
            f"{constants.ENDPOINT} ({reason_of(error)}).",
            "Three choices are left: connect to the network once, or copy a cache and point HF_HOME to it; "
            "weights=PATH with a .safetensors or .pth file or a timm folder; or weights=None for random weights.",
        ) from error
