"""Sizing: whether an architecture and its weights can take scans of a size, and which other sizes they can take."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any, TypeVar

import torch

from octlib.errors import ImageSizeError
from octlib.models.networks import MISFITS, random_module
from octlib.models.spec import BackboneSpec
from octlib.models.torch_modules import TimmFeatures

Size = tuple[int, int]
T = TypeVar("T")


def require_size(spec: BackboneSpec, size: Size, own: Size) -> None:
    """Refuse a size that an architecture can't take, before anything is downloaded or built.

    The network runs on torch's meta device, which knows shapes alone: no memory, and mostly less than a second.

    Args:
        spec: the backbone's specification, for this size.
        size: (height, width) in pixels that is asked for.
        own: (height, width) in pixels that the backbone was made for.

    Raises:
        ImageSizeError: if it can't take it; the text names sizes that it can take, each of which was tried.
    """
    fault = None if size == own else _fault(spec, size)
    if fault is None:
        return
    taken = list(islice((each for each in _others(spec, size, own) if _fault(spec, each) is None), 2))
    if taken:  # else shapes alone tell nothing, and the network itself will say what is wrong
        reason = _reason(fault)
        raise ImageSizeError(
            f"{spec.architecture} cannot take scans of {shown(size)} pixels{f': {reason}' if reason else '.'} "
            f"It takes {' or '.join(map(shown, taken))}.",
            f"Choose another image_size; None is the backbone's own, {shown(own)}.",
        )


def loaded_at(load: Callable[[BackboneSpec], T], spec: BackboneSpec, size: Size, own: Size) -> T:
    """Load weights into a network for scans of a size.

    timm resizes position embeddings of most transformers. Others, and what mixes places as an MLP does, stay as long as
    they are.

    Args:
        load: builds the network of a specification, with the weights.
        spec: the backbone's specification, for this size.
        size: (height, width) in pixels that is asked for.
        own: (height, width) in pixels that the weights were made for.

    Returns:
        What ``load`` returns.

    Raises:
        ImageSizeError: if the weights fit at their own size alone.
        Exception: what ``load`` raises, if they don't fit there either.
    """
    try:
        return load(spec)
    except MISFITS as error:
        if size == own or not _loads(load, _at(spec, own)):
            raise
        raise ImageSizeError(
            f"{spec.architecture}'s weights are for scans of {shown(own)} pixels, and can't be resized for scans of "
            f"{shown(size)}.",
            "image_size=None takes their own size; weights=None, random ones, takes others.",
        ) from error


def shown(size: Size) -> str:
    """Write a size as people read it.

    Example:
        >>> shown((224, 336))
        '224 x 336'
    """
    return f"{size[0]} x {size[1]}"


def _at(spec: BackboneSpec, size: Size) -> BackboneSpec:
    if "img_size" not in spec.model_args:
        return spec
    return replace(spec, model_args={**spec.model_args, "img_size": size})


def _fault(spec: BackboneSpec, size: Size) -> Exception | None:
    """Run a network on shapes alone, and return what goes wrong."""
    return _found(json.dumps(spec.to_dict() | {"origin": None}), size)


@cache  # a search builds the same network a hundred times
def _found(spec_as_text: str, size: Size) -> Exception | None:
    spec = BackboneSpec.from_dict(json.loads(spec_as_text))
    with torch.device("meta"), torch.inference_mode():
        try:
            module = random_module(_at(spec, size))
            TimmFeatures(module, spec, "average", size).eval()(torch.zeros(1, *size))
        except MISFITS as error:
            return error
    return None


def _loads(load: Callable[[BackboneSpec], Any], spec: BackboneSpec) -> bool:
    try:
        load(spec)
    except MISFITS:
        return False
    return True


def _reason(fault: Exception) -> str:
    """Return what an architecture itself says of a size; what torch says of shapes inside helps nobody."""
    while fault.__cause__ is not None and isinstance(fault.__cause__, Exception):
        fault = fault.__cause__
    text = str(fault).strip() if isinstance(fault, AssertionError) else ""
    return f"{text.rstrip('.')}." if text else ""


def _others(spec: BackboneSpec, size: Size, own: Size) -> list[Size]:
    """List sizes to try, the nearest first: multiples of what the architecture steps by, squares too, and its own."""
    near = {own}
    for step in _steps(_at(spec, own)):
        below, above = ([max(1, length // step) * step for length in each] for each in (size, _reaching(size, step)))
        near |= {(below[0], below[1]), (above[0], above[1]), *((side, side) for side in (*below, *above))}
    return sorted(near - {size}, key=lambda each: (abs(each[0] - size[0]) + abs(each[1] - size[1]), each))


def _reaching(size: Size, step: int) -> Size:
    return size[0] + step - 1, size[1] + step - 1


def _steps(spec: BackboneSpec) -> set[int]:
    """Return lengths in pixels that an architecture may want a size to be a multiple of."""
    try:
        with torch.device("meta"):
            module = random_module(spec)
    except MISFITS:
        return {32, 64}
    patch: Any = getattr(getattr(module, "patch_embed", None), "patch_size", None)
    stages: Any = getattr(module, "feature_info", None)
    lengths = [*(patch if isinstance(patch, list | tuple) else [patch])]
    lengths += [stage.get("reduction") for stage in stages[-1:]] if isinstance(stages, list) else []
    found = {length for length in lengths if isinstance(length, int) and length > 1} or {32}
    return found | {2 * max(found)}
