"""Pooling: a few values for many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from octlib.models.graph.operators.convolutions import LAST, channels_first, channels_last, per_axis
from octlib.models.graph.operators.table import operator
from octlib.models.keras_backend import keras

ops = keras.ops


@operator("max_pool2d.default", "max_pool1d.default")
def max_pool(
    values: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """Take the maximum of windows."""
    if set(per_axis(dilation, 1)) != {1}:
        raise NotImplementedError("max pooling with a dilation")
    lowest = float(np.finfo(np.float32).min)
    maps, kernel, stride = _padded(values, kernel, stride, padding, ceil_mode, lowest)
    return channels_first(ops.max_pool(maps, kernel, strides=stride, padding="valid", data_format=LAST))


@operator("avg_pool2d.default", "avg_pool1d.default")
def average_pool(
    values: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Any:
    """Take the mean of windows."""
    maps, kernel, stride = _padded(values, kernel, stride, padding, ceil_mode, 0.0)
    means = ops.average_pool(maps, kernel, strides=stride, padding="valid", data_format=LAST)
    lengths, widths = values.shape[2:], per_axis(padding, len(kernel))
    settings = zip(lengths, kernel, stride, widths, means.shape[1:], strict=False)
    counts = [_counts(*each, counted=count_include_pad) / each[1] for each in settings]
    factor: Any = 1.0 if divisor is None else divisor / np.prod(kernel)
    if divisor is None:
        for axis, each in enumerate(counts):
            factor = factor * each.reshape((-1,) + (1,) * (len(counts) - axis))
    if np.all(factor == 1):
        return channels_first(means)
    return channels_first(ops.divide(means, np.asarray(factor, np.float32)))


def _counts(length: int, kernel: int, stride: int, width: int, n: int, *, counted: bool) -> np.ndarray:
    """Count what each window along an axis holds: padding counts if it is to, what lies beyond it never."""
    starts = np.arange(n) * stride - width
    low, high = (-width, length + width) if counted else (0, length)
    return np.asarray(np.minimum(starts + kernel, high) - np.maximum(starts, low), float)


def _padded(values: Any, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, filling: float) -> Any:
    """Return padded maps with channels last, kernel and stride for each axis."""
    n = len(values.shape) - 2
    kernel, widths = per_axis(kernel, n), per_axis(padding, n)
    stride = per_axis(stride, n) if stride else kernel
    pairs = [(0, 0)]
    for length, window, step, width in zip(values.shape[2:], kernel, stride, widths, strict=True):
        beyond = 0
        if ceil_mode:
            rest = (length + 2 * width - window) % step
            # A last window has to begin inside the map or its padding in front.
            starts = -(-(length + 2 * width - window) // step) * step
            beyond = step - rest if rest and starts < length + width else 0
        pairs.append((width, width + beyond))
    maps = channels_last(values)
    if any(map(any, pairs)):
        maps = ops.pad(maps, [*pairs, (0, 0)], constant_values=filling)
    return maps, kernel, stride


@operator("adaptive_avg_pool2d.default", "adaptive_avg_pool1d.default", "_adaptive_avg_pool2d.default")
def adaptive_average_pool(values: Any, sizes: Sequence[int]) -> Any:
    """Take means, as many as are wanted."""
    if all(size == 1 for size in sizes):
        return ops.mean(values, axis=tuple(range(2, len(values.shape))), keepdims=True)
    for axis, size in enumerate(sizes, start=2):
        means = np.zeros((values.shape[axis], size), np.float32)
        for place, (start, end) in enumerate(_ranges(values.shape[axis], size)):
            means[start:end, place] = 1 / (end - start)
        values = ops.moveaxis(ops.tensordot(values, means, axes=[[axis], [0]]), -1, axis)
    return values


@operator("adaptive_max_pool2d.default")
def adaptive_max_pool(values: Any, sizes: Sequence[int]) -> tuple[Any]:
    """Take maxima, as many as are wanted."""
    for axis, size in enumerate(sizes, start=2):
        before = (slice(None),) * axis
        ranges = _ranges(values.shape[axis], size)
        maxima = [ops.max(values[(*before, slice(start, end))], axis=axis, keepdims=True) for start, end in ranges]
        values = ops.concatenate(maxima, axis=axis)
    return (values,)


def _ranges(length: int, size: int) -> list[tuple[int, int]]:
    return [(place * length // size, -(-(place + 1) * length // size)) for place in range(size)]
