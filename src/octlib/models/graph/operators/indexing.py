"""Indexing: some of the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from octlib.models.graph.operators.table import operator
from octlib.models.keras_backend import keras

ops = keras.ops


@operator("select.int")
def select(values: Any, axis: int, place: int) -> Any:
    """Take one entry along an axis."""
    return values[(slice(None),) * (axis % len(values.shape)) + (place,)]


@operator("slice.Tensor")
def cut(values: Any, axis: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """Take a range along an axis."""
    axis = axis % len(values.shape)
    length = values.shape[axis]
    beyond = end is None or (length is not None and isinstance(end, int) and end >= length) or end == 2**63 - 1
    if not start and beyond and step == 1:
        return ops.convert_to_tensor(values)
    return values[(slice(None),) * axis + (slice(start, None if beyond else end, step),)]


@operator("slice_scatter.default")
def put(
    values: Any, replacement: Any, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    """Replace a range along an axis."""
    if step != 1:
        raise NotImplementedError("slice_scatter with a step")
    length = values.shape[axis]
    first, last, _ = slice(start, end).indices(length) if length is not None else (0, None, 1)
    before = [cut(values, axis, 0, first)] if first else []
    after = [cut(values, axis, last, length)] if last is not None and last < length else []
    return ops.concatenate([*before, replacement, *after], axis=axis)


@operator("copy.default")
def copy(values: Any, source: Any, *_: Any) -> Any:
    """Take the values of another tensor, in shape and type of this one."""
    return ops.cast(ops.broadcast_to(source, ops.shape(values)), values.dtype)


@operator("split.Tensor")
def split(values: Any, length: int, axis: int = 0) -> list[Any]:
    """Take apart, into pieces of one length."""
    whole = values.shape[axis]
    return [cut(values, axis, start, min(start + length, whole)) for start in range(0, whole, length)]


@operator("split_with_sizes.default")
def split_with_sizes(values: Any, lengths: Sequence[int], axis: int = 0) -> list[Any]:
    """Take apart, into pieces of given lengths."""
    ends = np.cumsum(lengths).tolist()
    return [cut(values, axis, end - length, end) for end, length in zip(ends, lengths, strict=True)]


@operator("chunk.default")
def chunk(values: Any, pieces: int, axis: int = 0) -> Any:
    """Take apart, into a number of pieces."""
    return split(values, -(-values.shape[axis] // pieces), axis)


@operator("index_select.default")
def index_select(values: Any, axis: int, places: Any) -> Any:
    """Take entries along an axis."""
    return ops.take(values, places, axis=axis)


@operator("embedding.default")
def embedding(weight: Any, places: Any, *_: Any) -> Any:
    """Take rows."""
    return ops.take(weight, places, axis=0)


@operator("gather.default")
def gather(values: Any, axis: int, places: Any, **_: Any) -> Any:
    """Take an entry along an axis for each place."""
    return ops.take_along_axis(values, places, axis=axis)


@operator("index.Tensor")
def index(values: Any, places: Sequence[Any]) -> Any:
    """Take entries along one axis, or along several that lie side by side."""
    axes = [axis for axis, each in enumerate(places) if each is not None]
    if len(axes) == 1:
        return ops.take(values, places[axes[0]], axis=axes[0])
    if axes != list(range(axes[0], axes[-1] + 1)):
        raise NotImplementedError("indices along axes that are apart")
    sizes = [int(values.shape[axis]) for axis in axes]
    flat: Any = 0
    for axis, length in zip(axes, sizes, strict=True):
        flat = flat * length + places[axis] % length
    shape = list(ops.shape(values))
    joined = ops.reshape(values, (*shape[: axes[0]], int(np.prod(sizes)), *shape[axes[-1] + 1 :]))
    return ops.take(joined, flat, axis=axes[0])


@operator("unfold.default")
def windows(values: Any, axis: int, length: int, step: int) -> Any:
    """Take overlapping windows along an axis; what they hold comes last."""
    axis = axis % len(values.shape)
    starts = np.arange(0, values.shape[axis] - length + 1, step)
    taken = ops.take(values, starts[:, None] + np.arange(length), axis=axis)
    return ops.moveaxis(taken, axis + 1, -1)


@operator("im2col.default")
def patches(
    values: Any, kernel: Sequence[int], dilation: Sequence[int], padding: Sequence[int], stride: Sequence[int]
) -> Any:
    """Take patches of maps, (batch, channels * patch, patches)."""
    values = ops.pad(values, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2])
    for axis, length in ((2, kernel[0]), (4, kernel[1])):
        which = 0 if axis == 2 else 1
        reach = dilation[which] * (length - 1) + 1
        starts = np.arange(0, values.shape[axis] - reach + 1, stride[which])
        values = ops.take(values, dilation[which] * np.arange(length)[:, None] + starts, axis=axis)
    _, channels, _, rows, _, columns = ops.shape(values)
    ordered = ops.transpose(values, (0, 1, 2, 4, 3, 5))
    return ops.reshape(ordered, (-1, channels * kernel[0] * kernel[1], rows * columns))
