"""Configurations: what timm, a timm folder or the hub say of a backbone, as one specification."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import timm
from timm.models import PretrainedCfg

from octlib._suggest import unknown
from octlib.errors import MissingWeightsError, WeightsError
from octlib.models import octlib_backbone
from octlib.models.model_args import check_architecture, check_description
from octlib.models.sizing import require_size
from octlib.models.spec import BackboneSpec
from octlib.preprocessing import as_size

CONFIG = "config.json"
LOCAL_PREFIX = "local-dir:"  # timm's, before the path of a folder


@dataclass(frozen=True)
class BackboneConfig:
    """What a source says of a backbone, in timm's own terms.

    Attributes:
        architecture: timm's name without a weights tag.
        pretrained_cfg: timm's description of the weights: mean, std, input size, name of the classifier.
        model_args: arguments that the weights need, such as ``{"pad_type": "same"}``.
    """

    architecture: str
    pretrained_cfg: dict[str, Any]
    model_args: dict[str, Any] = field(default_factory=dict)

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) in pixels that the weights were made for."""
        # What they were built with says more of it than what they were evaluated at.
        return as_size(self.model_args.get("img_size", tuple(self.pretrained_cfg["input_size"][1:])))


def named_config(name: str) -> BackboneConfig:
    """Return timm's own configuration of an architecture.

    Raises:
        ValueError: if timm has no such architecture, or no such weights of it.
    """
    if not timm.is_model(name):
        raise unknown("backbone", name, [octlib_backbone.NAME, *timm.list_models()])
    architecture, _, tag = name.partition(".")
    try:
        cfg = timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
        raise unknown(f"weights tag of {architecture}", tag, tags) from error
    # What a program registers needn't have a configuration; timm's defaults stand for it.
    return BackboneConfig(architecture, (cfg or PretrainedCfg()).to_dict())


def folder_of(name: str) -> Path | None:
    """Return the timm folder that a name stands for, octlib's own or that of ``"local-dir:path"``, or ``None``."""
    if name == octlib_backbone.NAME:
        return octlib_backbone.FOLDER
    return Path(name.removeprefix(LOCAL_PREFIX)) if name.startswith(LOCAL_PREFIX) else None


def folder_config(folder: Path) -> BackboneConfig:
    """Read the configuration of a timm folder; see ``file_config``.

    Raises:
        MissingWeightsError: if the folder has no ``config.json``.
        WeightsError: if it is not a timm configuration, or says more than it may.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise MissingWeightsError(f"A timm folder needs a {CONFIG} beside its weights; {folder} has none.")
    return file_config(path)


def file_config(path: Path) -> BackboneConfig:
    """Read a ``config.json`` of timm's, which wins over the architecture's defaults.

    Args:
        path: of the file; it may be anybody's.

    Returns:
        What it says.

    Raises:
        WeightsError: if it is not a timm configuration, or says more than it may.
        ValueError: if timm has no such architecture.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        # In timm's first layout, the description of the weights is all that there is.
        pretrained_cfg = dict(content.get("pretrained_cfg", content))
        architecture, _, tag = str(content["architecture"]).partition(".")
        model_args = dict(content.get("model_args") or {})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} is not a timm configuration: {error!r}.") from error
    check_architecture(architecture)
    check_description(pretrained_cfg)
    default = named_config(f"{architecture}.{tag}" if tag else architecture).pretrained_cfg
    return BackboneConfig(architecture, {**default, **pretrained_cfg}, model_args)


def specify(
    config: BackboneConfig, image_size: int | tuple[int, int] | None, *, origin: str, fixed_batchnorm: bool
) -> tuple[BackboneSpec, tuple[int, int]]:
    """Turn a configuration into octlib's specification.

    Args:
        config: what the source says.
        image_size: what the caller wants; ``None`` is the backbone's own.
        origin: where the weights came from, in words.
        fixed_batchnorm: whether BatchNorm's statistics were learned already.

    Returns:
        The specification, and (height, width) of the scans in pixels.

    Raises:
        WeightsError: if the weights need other than three channels, or the configuration says more than it may.
        ImageSizeError: if the architecture can't take the size; the text names some that it can.
    """
    cfg, model_args = config.pretrained_cfg, dict(config.model_args)
    channels = model_args.get("in_chans", cfg["input_size"][0])
    if channels != 3:
        raise WeightsError(f"octlib needs backbones for three channels; {origin} takes {channels}.")
    size = config.image_size if image_size is None else as_size(image_size)
    if cfg.get("fixed_input_size") or "img_size" in model_args or model_args.get("dynamic_img_size"):
        # Transformers hold one position embedding a patch: they are built for one size.
        model_args["img_size"] = size
    for settled in ("num_classes", "in_chans"):
        model_args.pop(settled, None)
    spec = BackboneSpec(
        architecture=config.architecture,
        model_args=model_args,
        mean=tuple(cfg["mean"]),
        std=tuple(cfg["std"]),
        classifier=_first(cfg.get("classifier") or "head"),
        origin=origin,
        fixed_batchnorm=fixed_batchnorm,
    )
    require_size(spec, size, config.image_size)
    return spec, size


def _first(names: str | list[str] | tuple[str, ...]) -> str:
    """Return the first of several classifiers: distilled transformers name two."""
    return names if isinstance(names, str) else names[0]
