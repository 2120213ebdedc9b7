"""Convolutions: torch has channels first; here they come last, which every backend can on every device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from octlib.models.graph.operators.table import operator
from octlib.models.keras_backend import keras

ops = keras.ops

LAST = "channels_last"


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
    # TensorFlow can't do both at once.
    thinned = max(stride) > 1 and max(dilation) > 1
    steps = (1,) * n if thinned else stride
    maps, kind = _padded(channels_last(values), weight, steps, padding, dilation)
    settings = {"strides": steps, "padding": kind, "data_format": LAST, "dilation_rate": dilation}
    if groups > 1 and groups == values.shape[1]:
        result = ops.depthwise_conv(maps, _depthwise(weight, groups), **settings)
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


def _padded(maps: Any, weight: Any, stride: Sequence[int], padding: Any, dilation: Sequence[int]) -> tuple[Any, str]:
    """Pad maps; say whether the backend has to pad, and how."""
    if isinstance(padding, str):
        return maps, padding
    reach = [rate * (length - 1) for rate, length in zip(dilation, weight.shape[2:], strict=True)]
    widths = per_axis(padding, len(reach))
    if not any(widths):
        return maps, "valid"
    if all(step == 1 for step in stride) and all(2 * width == each for width, each in zip(widths, reach, strict=True)):
        return maps, "same"
    return ops.pad(maps, [(0, 0), *((width, width) for width in widths), (0, 0)]), "valid"


def _depthwise(weight: Any, groups: int) -> Any:
    """Bring the weight of one filter or several for each channel to Keras's form: (..., in, filters)."""
    out, _, *lengths = weight.shape
    split = ops.reshape(weight, (groups, out // groups, *lengths))
    return ops.transpose(split, (*range(2, len(lengths) + 2), 0, 1))
