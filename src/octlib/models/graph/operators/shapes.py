"""Shapes: the same values, arranged otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from octlib.models.graph.operators.table import operator
from octlib.models.keras_backend import keras

ops = keras.ops

PAD_MODES: dict[Any, Any] = {"circular": "wrap", "reflect": "reflect", "replicate": "edge"}  # of NumPy, by torch's

operator("movedim.int", "movedim.intlist")(ops.moveaxis)
operator("permute.default")(ops.transpose)
operator("swapaxes.default", "transpose.int")(ops.swapaxes)
operator("t.default")(ops.transpose)


@operator("sym_size.int")
def size(values: Any, axis: int) -> Any:
    """Length of an axis: a number, or a tensor where it is known only when the network runs."""
    return ops.shape(values)[axis]


@operator("view.default", "_unsafe_view.default", "reshape.default", "view_copy.default")
def reshape(values: Any, shape: Sequence[Any]) -> Any:
    """Reshape."""
    # What depends on the length of the batch is what is left when all else is settled.
    return ops.reshape(values, tuple(length if isinstance(length, int) else -1 for length in shape))


@operator("flatten.using_ints")
def flatten(values: Any, start: int = 0, end: int = -1) -> Any:
    """Make one axis of several."""
    sizes = list(ops.shape(values))
    end = end % len(sizes)
    if start == 0:
        return ops.reshape(values, (-1, *sizes[end + 1 :]))
    inner = 1
    for length in sizes[start : end + 1]:
        inner *= length
    return reshape(values, (*sizes[:start], inner, *sizes[end + 1 :]))


@operator("unflatten.int")
def unflatten(values: Any, axis: int, sizes: Sequence[Any]) -> Any:
    """Make several axes of one."""
    shape = list(ops.shape(values))
    axis = axis % len(shape)
    return reshape(values, (*shape[:axis], *sizes, *shape[axis + 1 :]))


@operator("expand.default", "broadcast_to.default")
def expand(values: Any, shape: Sequence[Any], **_: Any) -> Any:
    """Repeat axes of length 1; -1 leaves one as it is."""
    sizes = [1] * (len(shape) - len(values.shape)) + list(ops.shape(values))
    wanted = [
        size if isinstance(length, int) and length == -1 else length for length, size in zip(shape, sizes, strict=True)
    ]
    return ops.broadcast_to(values, wanted)


@operator("repeat.default")
def repeat(values: Any, repeats: Sequence[Any]) -> Any:
    """Repeat the whole."""
    return ops.tile(ops.reshape(values, (1,) * (len(repeats) - len(values.shape)) + tuple(ops.shape(values))), repeats)


@operator("repeat_interleave.self_int")
def repeat_interleave(values: Any, repeats: int, axis: int | None = None, **_: Any) -> Any:
    """Repeat each entry."""
    return ops.repeat(values, repeats, axis=axis)


@operator("unsqueeze.default")
def unsqueeze(values: Any, axis: int) -> Any:
    """Insert an axis of length 1."""
    return ops.expand_dims(values, axis)


@operator("squeeze.dim", "squeeze.dims")
def squeeze(values: Any, axes: Any) -> Any:
    """Take out axes, where their length is 1."""
    places = {axis % len(values.shape) for axis in (axes if isinstance(axes, list | tuple) else [axes])}
    gone = tuple(place for place in sorted(places) if values.shape[place] == 1)
    return ops.squeeze(values, axis=gone) if gone else values


@operator("squeeze.default")
def squeeze_all(values: Any) -> Any:
    """Take out all axes of length 1."""
    return squeeze(values, list(range(len(values.shape))))


@operator("cat.default", "concat.default")
def concatenate(tensors: Sequence[Any], axis: int = 0) -> Any:
    """Join along an axis."""
    return ops.concatenate(tensors, axis=axis)


@operator("stack.default")
def stack(tensors: Sequence[Any], axis: int = 0) -> Any:
    """Join along a new axis."""
    return ops.stack(tensors, axis=axis)


@operator("unbind.int")
def unbind(values: Any, axis: int = 0) -> Any:
    """Take apart along an axis."""
    return ops.unstack(ops.convert_to_tensor(values), axis=axis)


@operator("roll.default")
def roll(values: Any, shifts: Sequence[int], axes: Sequence[int] = ()) -> Any:
    """Move values along axes, and in again at the other end."""
    if not axes:
        return ops.roll(values, shifts[0])
    for shift, axis in zip(shifts, axes, strict=True):
        values = ops.roll(values, shift, axis=axis)
    return values


@operator("flip.default")
def flip(values: Any, axes: Sequence[int]) -> Any:
    """Mirror."""
    return ops.flip(values, axis=tuple(axes))


@operator("pad.default", "constant_pad_nd.default")
def pad(values: Any, widths: Sequence[int], mode: Any = "constant", value: float | None = None) -> Any:
    """Pad, or crop where a width is below zero; widths are two an axis, the last axis first."""
    if isinstance(mode, int | float):  # constant_pad_nd has the value here
        mode, value = "constant", mode
    pairs = [(0, 0)] * (len(values.shape) - len(widths) // 2) + list(zip(widths[::2], widths[1::2], strict=True))[::-1]
    for axis, (before, after) in enumerate(pairs):
        if before < 0 or after < 0:
            kept = slice(max(0, -before), values.shape[axis] - max(0, -after))
            values = values[(slice(None),) * axis + (kept,)]
    pairs = [(max(0, before), max(0, after)) for before, after in pairs]
    if mode == "constant":
        return ops.pad(values, pairs, constant_values=value or 0)
    for axis, pair in enumerate(pairs):
        if any(pair):
            places = np.pad(np.arange(values.shape[axis]), pair, mode=PAD_MODES[mode])
            values = ops.take(values, places, axis=axis)
    return values


@operator("full.default", "new_full.default")
def full(*arguments: Any, dtype: Any = None, **_: Any) -> Any:
    """Make a tensor of one value, of the type of another if there is one."""
    *like, shape, value = arguments
    return ops.full(tuple(shape), value, dtype=like[0].dtype if like and dtype is None else dtype or "float32")


@operator("full_like.default")
def full_like(values: Any, value: Any, *, dtype: Any = None, **_: Any) -> Any:
    """Make a tensor of one value, of the shape of another."""
    return ops.full_like(ops.convert_to_tensor(values), value, dtype=dtype)


@operator("zeros_like.default", "new_zeros.default", "zeros.default")
def zeros(values: Any, shape: Any = None, *, dtype: Any = None, **_: Any) -> Any:
    """Make zeros, of the shape of another tensor or of a given one."""
    if isinstance(values, list | tuple):
        return ops.zeros(tuple(values), dtype=dtype)
    return (
        ops.zeros_like(ops.convert_to_tensor(values), dtype=dtype)
        if shape is None
        else ops.zeros(tuple(shape), dtype or values.dtype)
    )


@operator("ones_like.default", "new_ones.default", "ones.default")
def ones(values: Any, shape: Any = None, *, dtype: Any = None, **_: Any) -> Any:
    """Make ones, of the shape of another tensor or of a given one."""
    if isinstance(values, list | tuple):
        return ops.ones(tuple(values), dtype=dtype)
    return (
        ops.ones_like(ops.convert_to_tensor(values), dtype=dtype)
        if shape is None
        else ops.ones(tuple(shape), dtype or values.dtype)
    )
