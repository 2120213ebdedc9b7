"""Checkpoints: the weights in a file of anybody's training, read without unpickling, in an architecture's own names."""

from __future__ import annotations

import argparse
import re
import warnings
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from octlib.errors import WeightsError

Weights = dict[str, torch.Tensor]

# Under which a training keeps its weights; where there are several, the average that is to be used comes first.
HOLDERS = ("teacher", "state_dict_ema", "model_ema", "state_dict", "model")
AVERAGES = {"teacher", "ema"}
WRAPPERS = ("module.", "_orig_mod.")  # what torch puts before all names: parallel training, compiling
COUNTER = "num_batches_tracked"  # BatchNorm's count of steps plays no part in inference, and many files lack it
DEEPEST = 50  # parts of a name
# DINOv2 trains in chunks of blocks, and calls the two halves of a gated MLP otherwise than timm.
RENAMED = (
    (re.compile(r"\bblocks\.\d+\.(\d+)\."), r"blocks.\1."),
    (re.compile(r"\.mlp\.w12\."), ".mlp.fc1."),
    (re.compile(r"\.mlp\.w3\."), ".mlp.fc2."),
)


def read_checkpoint(file: Path, wanted: Collection[str]) -> Weights:
    """Read the weights of a file.

    Args:
        file: a ``.safetensors`` file or a torch checkpoint, such as that of a training: weights may lie under
            ``model``, ``teacher`` or ``state_dict``, and all names may begin alike (``backbone.``, ``module.``).
        wanted: names of the architecture's weights.

    Returns:
        Name to tensor: the names as the architecture has them, as far as they can be told, and whatever else there is.

    Raises:
        WeightsError: if the file is damaged, holds more than tensors, or holds several copies of the weights.
    """
    weights = _unwrapped(_read(file), file)
    for name_of in (str, _renamed):  # An EfficientNet's own names look like those of blocks in chunks.
        named = {name_of(name): value for name, value in weights.items()}
        prefix = _prefix(named, wanted, file)
        if prefix is not None:
            return _under(prefix, named, wanted)
    return weights  # names of another kind, which timm may know


def _under(prefix: str, weights: Weights, wanted: Collection[str]) -> Weights:
    """Take a prefix away; what lies outside of it stays under its name, unless it could be taken for a weight."""
    inside = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    found = {name if name in wanted else _renamed(name): value for name, value in inside.items()}
    outside = {name: value for name, value in weights.items() if not name.startswith(prefix)}
    return found | {name: value for name, value in outside.items() if name not in wanted and name not in found}


def _read(file: Path) -> Any:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        with warnings.catch_warnings(), torch.serialization.safe_globals([argparse.Namespace]):
            # Settings of a training lie beside its weights as a namespace, which does nothing.
            # torch warns of a pickle before it refuses it; the refusal says more.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            return torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        asked = re.search(r"(?:GLOBAL|global|class|function) ([\w.]+\.[\w]+)", str(error))
        what = f": it asks for {asked[1]}" if asked else ""
        raise WeightsError(
            f"{file} holds more than tensors, which octlib does not unpickle{what}.",
            "Save its weights as .safetensors.",
        ) from error
    except (SafetensorError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsError(f"{file} is damaged or not a weights file: {error}.") from error


def _unwrapped(content: Any, file: Path) -> Weights:
    """Take the weights out of a training checkpoint."""
    holders = [key for key in HOLDERS if isinstance(content, dict) and _is_state(content.get(key))]
    if "teacher" in holders and len(holders) > 1 and "student" not in content:
        # A student that averages into a teacher is one network, a teacher that it learns from is another.
        raise WeightsError(
            f"{file.name} holds the weights {len(holders)} times, under {', '.join(map(repr, holders))}.",
            "Save the ones that you mean by themselves.",
        )
    state = content[holders[0]] if holders else content
    if not _is_state(state):
        raise WeightsError(f"{file} must hold a dictionary of tensors (a state dict).")
    for wrapper in WRAPPERS:
        if all(name.startswith(wrapper) for name in state):
            state = {name.removeprefix(wrapper): value for name, value in state.items()}
    return dict(state)


def _is_state(content: Any) -> bool:
    if not isinstance(content, dict) or not content:
        return False
    return all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items())


def _prefix(weights: Mapping[str, Any], wanted: Collection[str], file: Path) -> str | None:
    """Find what stands before the names of the architecture's weights; ``None``, if most of them aren't there."""
    needed = {name for name in wanted if not name.endswith(COUNTER)}
    found: Counter[str] = Counter()
    for name in weights:
        parts = name.split(".")
        if len(parts) > DEEPEST:
            continue
        # From the whole name to its last part: the longest that is wanted.
        start = next((n for n in range(len(parts)) if ".".join(parts[n:]) in needed), None)
        if start is not None:
            found["".join(f"{part}." for part in parts[:start])] += 1
    copies = sorted(prefix for prefix, n in found.items() if n >= len(needed) / 2)
    averages = [prefix for prefix in copies if AVERAGES & set(re.split(r"[._]", prefix))]
    if len(copies) < 2:
        return copies[0] if copies else None
    if len(averages) == 1:
        return averages[0]
    raise WeightsError(
        f"{file.name} holds the weights {len(copies)} times, under {', '.join(map(repr, copies))}.",
        "Save the ones that you mean by themselves.",
    )


def _renamed(name: str) -> str:
    for pattern, replacement in RENAMED:
        name = pattern.sub(replacement, name)
    return name
