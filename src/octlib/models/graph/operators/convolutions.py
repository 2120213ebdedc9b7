"""Convolutions: torch has channels first; here they come last, which every backend can on every device."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

from octlib.models.devices import device_kind
from octlib.models.graph.operators.table import operator
from octlib.models.keras_backend import keras

ops = keras.ops

LAST = "channels_last"
MOST_SHIFTS = 81  # of a filter; more take long to compile


@operator("conv1d.default", "conv1d.padding", "conv2d.default", "conv2d.padding")
def convolution(
    values: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Convolve maps (batch, channels, ...) with a weight (out, in / groups, ...)."""
    n = len(values.shape) - 2
    stride, dilation = per_axis(stride, n), per_axis(dilation, n)
    depthwise = groups > 1 and groups == values.shape[1]
    by_shifts = depthwise and _shifts_are_faster(weight, groups)
    # TensorFlow can't do both at once, nor, with a filter for each channel, strides that differ.
    thinned = max(stride) > 1 and (max(dilation) > 1 or (depthwise and min(stride) != max(stride)))
    steps = (1,) * n if thinned else stride
    maps, kind = _padded(channels_last(values), weight, steps, padding, dilation, by_backend=not by_shifts)
    settings = {"strides": steps, "padding": kind, "data_format": LAST, "dilation_rate": dilation}
    if by_shifts:
        result = _sum_of_shifts(maps, weight, steps, dilation)
    elif depthwise:
        result = ops.depthwise_conv(maps, _depthwise(weight, groups), **settings)
    elif groups == 1 and prod(weight.shape[2:]) == max(steps) == 1:
        # A filter of one place is a product of matrices.
        result = ops.matmul(maps, ops.transpose(ops.reshape(weight, weight.shape[:2])))
    else:
        result = ops.conv(maps, ops.transpose(weight, (*range(2, n + 2), 1, 0)), **settings)
    if thinned:
        result = result[(slice(None), *(slice(None, None, step) for step in stride))]
    return channels_first(result if bias is None else result + bias)


def per_axis(value: Any, n: int) -> tuple[int, ...]:
    """Give each of ``n`` axes a number, where one or some are given."""
    given = list(value) if isinstance(value, Sequence) else [value]
    return tuple(given * n if len(given) == 1 else given)


def channels_last(values: Any) -> Any:
    """Move channels from the second place to the last."""
    return ops.transpose(values, (0, *range(2, len(values.shape)), 1))


def channels_first(values: Any) -> Any:
    """Move channels from the last place to the second."""
    n = len(values.shape)
    return ops.transpose(values, (0, n - 1, *range(1, n - 1)))


def _padded(
    maps: Any, weight: Any, stride: Sequence[int], padding: Any, dilation: Sequence[int], *, by_backend: bool
) -> tuple[Any, str]:
    """Pad maps, unless the backend may and can; say how it has to."""
    reach = [rate * (length - 1) for rate, length in zip(dilation, weight.shape[2:], strict=True)]
    same = [(each // 2, each - each // 2) for each in reach]
    if isinstance(padding, str):
        widths = same if padding == "same" else [(0, 0)] * len(reach)
    else:
        widths = [(width, width) for width in per_axis(padding, len(reach))]
    if not any(map(any, widths)):
        return maps, "valid"
    if by_backend and max(stride) == 1 and widths == same:
        return maps, "same"
    return ops.pad(maps, [(0, 0), *widths, (0, 0)]), "valid"


def _shifts_are_faster(weight: Any, groups: int) -> bool:
    """Tell whether XLA's own depthwise convolution is to be avoided: on a CPU, MobileNetV2 takes six times as long."""
    small = prod(weight.shape[2:]) <= MOST_SHIFTS
    return small and weight.shape[0] == groups and keras.config.backend() == "jax" and device_kind() == "cpu"


def _sum_of_shifts(maps: Any, weight: Any, stride: Sequence[int], dilation: Sequence[int]) -> Any:
    """Convolve each channel with its own filter: shift maps by each place of the filter, weigh them, and add up."""
    lengths = weight.shape[2:]
    ends = [  # how far the first place of a filter gets, and one more
        size - rate * (length - 1) for size, rate, length in zip(maps.shape[1:-1], dilation, lengths, strict=True)
    ]
    terms = []
    for place in product(*map(range, lengths)):
        starts = [rate * each for rate, each in zip(dilation, place, strict=True)]
        shifted = (slice(start, start + end, step) for start, end, step in zip(starts, ends, stride, strict=True))
        terms.append(maps[(slice(None), *shifted)] * weight[(slice(None), 0, *place)])
    return sum(terms[1:], start=terms[0])


def _depthwise(weight: Any, groups: int) -> Any:
    """Bring the weight of one filter or several for each channel to Keras's form: (..., in, filters)."""
    out, _, *lengths = weight.shape
    split = ops.reshape(weight, (groups, out // groups, *lengths))
    return ops.transpose(split, (*range(2, len(lengths) + 2), 0, 1))
