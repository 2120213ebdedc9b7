"""Weights: files of backbone weights, fitted to an architecture."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from octlib.errors import MissingWeightsError, WeightsError
from octlib.models.checkpoints import COUNTER
from octlib.models.hub_cache import NAMES_IN_FOLDER
from octlib.models.spec import BackboneSpec

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")


def weights_file(path: Path) -> Path:
    """Find the file that holds the weights.

    Args:
        path: the file itself, or a timm folder.

    Returns:
        The file.

    Raises:
        MissingWeightsError: if there is none.
        WeightsError: if it is of a kind that octlib does not read.
    """
    if path.is_dir():
        found = [path / name for name in NAMES_IN_FOLDER if (path / name).is_file()]
        if not found:
            raise MissingWeightsError(f"A timm folder needs model.safetensors; {path} has none.")
        return found[0]
    if not path.is_file():
        raise MissingWeightsError(
            f"No weights at {str(path)!r}.",
            "weights= takes 'pretrained', a .safetensors or .pth file, "
            "a timm folder (config.json and model.safetensors), or None for random ones.",
        )
    if path.suffix not in SUFFIXES:
        raise WeightsError(f"Weights must be a file of {', '.join(SUFFIXES)} or a timm folder, got {path.name!r}.")
    return path


@dataclass(frozen=True)
class LoadReport:
    """What became of the weights in a file, where none was missing.

    Attributes:
        matched: names of weights that were taken.
        resized: those of them that were brought to another shape first, such as position embeddings.
        dropped: names in the file that the architecture has no use for, such as a decoder's; a head isn't counted.
    """

    matched: tuple[str, ...]
    resized: tuple[str, ...]
    dropped: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in a line."""
        counts = {"resized": self.resized, "dropped": self.dropped}
        return f"{len(self.matched)} weights" + "".join(f", {len(names)} {what}" for what, names in counts.items())


def load_weights(module: Any, weights: Mapping[str, torch.Tensor], spec: BackboneSpec, file: Path) -> LoadReport:
    """Load weights into a timm module that has no head.

    Args:
        module: the timm module, changed in place.
        weights: what ``read_checkpoint`` found.
        spec: the module's specification.
        file: where it was found.

    Returns:
        What was taken, and what wasn't.

    Raises:
        WeightsError: if any weight of the module is missing or of another shape.
    """
    wanted = module.state_dict()
    headless = {key: value for key, value in weights.items() if not key.startswith(f"{spec.classifier}.")}
    shapes = {key: value.shape for key, value in headless.items()}
    converted = _timm_keys(headless, module)
    needed = [key for key in wanted if not key.endswith(COUNTER)]
    fitting = {key: value for key, value in converted.items() if key in wanted and value.shape == wanted[key].shape}
    unused = tuple(key for key in converted if key not in fitting)
    missing = [key for key in needed if key not in fitting]
    if missing:
        raise WeightsError(
            f"{file.name} does not fit {spec.architecture}: {len(needed) - len(missing)} of {len(needed)} weights "
            f"matched, and all are needed. Missing or of another shape: {_some(missing)}. In the file but not used: "
            f"{_some(unused)}."
        )
    module.load_state_dict(fitting, strict=False)
    resized = tuple(key for key, value in fitting.items() if shapes.get(key, value.shape) != value.shape)
    return LoadReport(tuple(needed), resized, unused)


def _timm_keys(weights: dict[str, torch.Tensor], module: Any) -> dict[str, torch.Tensor]:
    """Rename and resample as timm itself does: older key names, position embeddings of another size."""
    # timm keeps this function, where an architecture needs one, beside the architecture under this name.
    convert = getattr(sys.modules[type(module).__module__], "checkpoint_filter_fn", None)
    return weights if convert is None else dict(convert(weights, module))


def _some(keys: Sequence[str], limit: int = 4) -> str:
    shown = ", ".join(keys[:limit]) or "none"
    return shown + (f" and {len(keys) - limit} more" if len(keys) > limit else "")
