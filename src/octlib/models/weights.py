"""Weights: files of backbone weights, read without unpickling and fitted to an architecture."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from octlib.errors import MissingWeightsError, WeightsError
from octlib.models.spec import BackboneSpec

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
NAMES_IN_FOLDER = ("model.safetensors", "pytorch_model.bin")


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


def load_weights(module: Any, file: Path, spec: BackboneSpec) -> None:
    """Load a file of weights into a timm module that has no head.

    Args:
        module: the timm module, changed in place.
        file: a ``.safetensors`` file or a torch checkpoint.
        spec: the module's specification.

    Raises:
        WeightsError: if the file cannot be read, or any weight of the module is missing or of another shape.
    """
    weights = _timm_keys(_unwrapped(_read(file), file), module)
    weights = {key: value for key, value in weights.items() if not key.startswith(f"{spec.classifier}.")}
    wanted = module.state_dict()
    # BatchNorm's step counter plays no part in inference, and many checkpoints lack it.
    optional = {key for key in wanted if key.endswith("num_batches_tracked")}
    fitting = {key: value for key, value in weights.items() if key in wanted and value.shape == wanted[key].shape}
    missing = [key for key in wanted if key not in fitting and key not in optional]
    if missing:
        unused = [key for key in weights if key not in fitting]
        raise WeightsError(
            f"{file.name} does not fit {spec.architecture}: {len(wanted) - len(missing)} of {len(wanted)} weights "
            f"matched. Missing or of another shape: {_some(missing)}. In the file but not used: {_some(unused)}."
        )
    module.load_state_dict(fitting, strict=False)


def _read(file: Path) -> Any:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        with warnings.catch_warnings():
            # torch warns of a pickle before it refuses it; the refusal says more.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            return torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise WeightsError(
            f"{file} holds more than tensors, which octlib does not unpickle.", "Save its weights as .safetensors."
        ) from error
    except (SafetensorError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsError(f"{file} is damaged or not a weights file: {error}.") from error


def _unwrapped(content: Any, file: Path) -> dict[str, torch.Tensor]:
    """Take the weights out of a training checkpoint."""
    for key in ("state_dict_ema", "model_ema", "state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            break
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise WeightsError(f"{file} must hold a dictionary of tensors (a state dict).")
    return {key.removeprefix("module."): value for key, value in content.items()}


def _timm_keys(weights: dict[str, torch.Tensor], module: Any) -> dict[str, torch.Tensor]:
    """Rename and resample as timm itself does: older key names, position embeddings of another size."""
    # timm keeps this function, where an architecture needs one, beside the architecture under this name.
    convert = getattr(sys.modules[type(module).__module__], "checkpoint_filter_fn", None)
    return weights if convert is None else dict(convert(weights, module))


def _some(keys: list[str], limit: int = 4) -> str:
    shown = ", ".join(keys[:limit]) or "none"
    return shown + (f" and {len(keys) - limit} more" if len(keys) > limit else "")
