"""Backbones: timm architectures with weights from the hub, from a file, from a timm folder, or at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from octlib.errors import WeightsError
from octlib.models import octlib_backbone
from octlib.models.configs import BackboneConfig, folder_config, folder_of, named_config, specify
from octlib.models.hub import from_hub
from octlib.models.joined_spec import JoinedSpec
from octlib.models.lora import adapt, lora_for
from octlib.models.networks import loaded_module, random_module
from octlib.models.sizing import loaded_at
from octlib.models.spec import BackboneSpec
from octlib.models.weights import weights_file

Size = int | tuple[int, int] | None
Sizes = Size | Sequence[tuple[int, int] | None]
Weights = str | Path | None


def create_backbone(
    name: str, weights: Weights, image_size: Size, *, seed: int = 0
) -> tuple[BackboneSpec, Any, tuple[int, int]]:
    """Create a backbone.

    Args:
        name: ``"octlib"`` for octlib's own, a timm architecture (``"resnet50"``, ``"resnet50.a1_in1k"``), a name on the
            hub (``"hf-hub:..."``) or a timm folder (``"local-dir:..."``).
        weights: ``"pretrained"`` for timm's own, a ``.safetensors`` or ``.pth`` file, a timm folder, or ``None``.
        image_size: in pixels, a number or (height, width); ``None`` is the backbone's own.
        seed: of random weights.

    Returns:
        The specification, the timm module without a head, and (height, width) of the scans in pixels.

    Raises:
        ValueError: if the name is unknown.
        WeightsError: if the weights do not fit, or their configuration says more than it may.
        ImageSizeError: if the architecture, or its weights, can't take the size; the text names some that it can.
        MissingWeightsError: if the weights are not there.
        HubError: if the hub cannot be reached.
    """
    if weights == "pretrained":
        weights = folder_of(name)
        if weights is None:
            return from_hub(name, image_size)
    if weights is None:
        spec, size = specify(_config_of(name), image_size, origin="random", fixed_batchnorm=False)
        return spec, random_module(spec, seed), size
    return _from_disk(name, Path(weights), image_size)


def create_backbones(
    names: str | Sequence[str],
    weights: Weights | Sequence[Weights],
    image_size: Sizes,
    *,
    lora: int | None = None,
    seed: int = 0,
) -> tuple[BackboneSpec | JoinedSpec, Any, tuple[int, int]]:
    """Create a backbone, or several that see the same scans.

    Args:
        names: one or more, each as for ``create_backbone``.
        weights: of all, or one for each.
        image_size: of all, or a list with (height, width) or ``None`` for each; ``None`` is a backbone's own. Scans
            have the largest, and backbones with a smaller one resize inside.
        lora: rank of the matrices that learn beside the linear layers of each; ``None`` is without.
        seed: of random weights, which differ from one backbone to the next.

    Returns:
        The specification, the timm module without a head, or one for each of several, and (height, width) of the scans
        in pixels.

    Raises:
        TypeError: if a name is none.
        ValueError: if there are not as many weights or sizes as names; and as ``create_backbone``, like other errors.
    """
    names = list(names) if isinstance(names, list | tuple) else [names]  # type: ignore[list-item]  # as it came
    if not names or not all(isinstance(name, str) for name in names):
        raise TypeError(f"backbone must be a name, or several of them, got {names!r}.")
    sources = [weights] * len(names) if weights is None or isinstance(weights, str | Path) else list(weights)
    if len(sources) != len(names):
        raise ValueError(
            f"weights must be one for all backbones, or one for each: got {len(sources)} for {len(names)} backbones."
        )
    sizes = _sizes(image_size, len(names))
    created = [
        create_backbone(name, source, size, seed=seed + number)
        for number, (name, source, size) in enumerate(zip(names, sources, sizes, strict=True))
    ]
    if lora is not None:
        created = [_adapted(spec, module, size, lora, seed + n) for n, (spec, module, size) in enumerate(created)]
    if len(created) == 1:
        return created[0]
    heights, widths = zip(*(size for *_, size in created), strict=True)
    largest = max(heights), max(widths)
    members = (spec if size == largest else replace(spec, inner_size=size) for spec, _, size in created)
    return JoinedSpec(tuple(members)), [module for _, module, _ in created], largest


def _adapted(
    spec: BackboneSpec, module: Any, size: tuple[int, int], rank: int, seed: int
) -> tuple[BackboneSpec, Any, tuple[int, int]]:
    lora = lora_for(module, rank, size)
    adapt(module, lora, seed)
    return replace(spec, lora=lora), module, size


def _sizes(image_size: Any, n_backbones: int) -> list[Size]:
    # Two numbers are (height, width) of all, so that sizes of each are told by a pair or a None among them.
    several = image_size if n_backbones > 1 and isinstance(image_size, list | tuple) else ()
    if not any(each is None or isinstance(each, list | tuple) for each in several):
        return [image_size] * n_backbones
    if len(several) != n_backbones:
        raise ValueError(
            f"image_size must be one for all backbones, or (height, width) or None for each: got {len(several)} for "
            f"{n_backbones} backbones."
        )
    return list(several)


def _config_of(name: str) -> BackboneConfig:
    folder = folder_of(name)
    return named_config(name) if folder is None else folder_config(folder)


def _from_disk(name: str, path: Path, image_size: Size) -> tuple[BackboneSpec, Any, tuple[int, int]]:
    file = weights_file(path)
    named = _config_of(name)
    config = folder_config(path) if path.is_dir() else named
    found = config.architecture
    if named.architecture != found:
        raise WeightsError(
            f"{path} holds weights of {found!r}, but backbone={name!r}.", f"Use backbone={found!r} with it."
        )
    if folder_of(name) and named.model_args != config.model_args:
        raise WeightsError(
            f"{path} holds weights of another {found!r} than backbone={name!r} is: {dict(config.model_args)} is not "
            f"{dict(named.model_args)}.",
            f"Use backbone={found!r} with it.",
        )
    origin = "octlib's own, trained on phantoms" if octlib_backbone.FOLDER in (path, path.parent) else path.name
    spec, size = specify(config, image_size, origin=origin, fixed_batchnorm=True)
    return *loaded_at(lambda spec: loaded_module(spec, file), spec, size, config.image_size), size
