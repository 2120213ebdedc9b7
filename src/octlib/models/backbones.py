"""Backbones: timm architectures with weights from the hub, from a file, from a timm folder, or at random."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import timm
import torch

from octlib.models import own
from octlib.models.configs import folder_config, named_config, specify
from octlib.models.hub import from_hub
from octlib.models.spec import BackboneSpec
from octlib.models.weights import load_weights, weights_file

Size = int | tuple[int, int] | None


def create_backbone(
    name: str, weights: str | Path | None, image_size: Size, *, seed: int = 0
) -> tuple[BackboneSpec, Any]:
    """Create a backbone.

    Args:
        name: ``"octlib"`` for octlib's own, a timm architecture (``"resnet50"``, ``"resnet50.a1_in1k"``) or a hub name
            (``"hf-hub:..."``).
        weights: ``"pretrained"`` for timm's own, a ``.safetensors`` or ``.pth`` file, a timm folder, or ``None``.
        image_size: in pixels, a number or (height, width); ``None`` is the backbone's own.
        seed: of random weights.

    Returns:
        The specification and the timm module, without a head.

    Raises:
        ValueError: if the name is unknown or the weights do not fit.
        FileNotFoundError: if the weights are not there.
        ConnectionError: if the hub cannot be reached.
    """
    if name == own.NAME:
        name, weights = own.ARCHITECTURE, own.FOLDER if weights == "pretrained" else weights
    if weights == "pretrained":
        return from_hub(name, image_size)
    if weights is None:
        spec = specify(named_config(name), image_size, origin="random", fixed_batchnorm=False)
        return spec, random_module(spec, seed)
    return _from_disk(name, Path(weights), image_size)


def random_module(spec: BackboneSpec, seed: int = 0) -> Any:
    """Build the timm module of a specification with random weights, without touching the global random state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return timm.create_model(spec.architecture, pretrained=False, num_classes=0, **spec.model_args)


def _from_disk(name: str, path: Path, image_size: Size) -> tuple[BackboneSpec, Any]:
    file = weights_file(path)
    config = folder_config(path) if path.is_dir() else named_config(name)
    expected, found = (timm.models.split_model_name_tag(each)[0] for each in (name, config.architecture))
    if expected != found:
        raise ValueError(f"{path} holds weights of {found!r}, but backbone={name!r}. Use backbone={found!r} with it.")
    origin = "octlib's own, trained on phantoms" if path == own.FOLDER else path.name
    spec = specify(config, image_size, origin=origin, fixed_batchnorm=True)
    module = random_module(spec)
    load_weights(module, file, spec)
    return replace(spec, architecture=found), module
