"""Normalisation: to no mean and unit variance, over what each kind says."""

from __future__ import annotations

from typing import Any

from octlib.models.graph.operators.table import operator
from octlib.models.keras_backend import keras

ops = keras.ops

BATCH_NORM = "aten._native_batch_norm_legit_no_training.default"


@operator("_native_batch_norm_legit_no_training.default")
def batch_norm(
    values: Any, weight: Any, bias: Any, mean: Any, variance: Any, _momentum: float, epsilon: float
) -> tuple[Any]:
    """Normalise each channel by statistics of the past."""
    factor = ops.rsqrt(ops.add(variance, epsilon))
    factor = factor if weight is None else factor * weight
    shift = -ops.convert_to_tensor(mean) * factor
    shift = shift if bias is None else shift + bias
    return (values * _by_channel(factor, values) + _by_channel(shift, values),)


@operator("_native_batch_norm_legit.no_stats")
def batch_norm_of_batch(values: Any, weight: Any, bias: Any, _training: bool, _momentum: float, epsilon: float) -> Any:
    """Normalise each channel by the statistics of these values, as weights are standardised."""
    mean, variance = moments(values)
    return batch_norm(values, weight, bias, mean, variance, _momentum, epsilon)


def moments(values: Any) -> tuple[Any, Any]:
    """Return mean and variance of each channel, (channels,)."""
    axes = tuple(axis for axis in range(len(values.shape)) if axis != 1)
    mean = ops.mean(values, axis=axes)
    return mean, ops.mean(ops.square(values - _by_channel(mean, values)), axis=axes)


@operator("layer_norm.default")
def layer_norm(values: Any, shape: Any, weight: Any = None, bias: Any = None, epsilon: float = 1e-5, *_: Any) -> Any:
    """Normalise over the last axes."""
    axes = tuple(range(-len(shape), 0))
    centred = values - ops.mean(values, axis=axes, keepdims=True)
    normalised = centred * ops.rsqrt(ops.mean(ops.square(centred), axis=axes, keepdims=True) + epsilon)
    normalised = normalised if weight is None else normalised * weight
    return normalised if bias is None else normalised + bias


@operator("rms_norm.default")
def rms_norm(values: Any, shape: Any, weight: Any = None, epsilon: float | None = None) -> Any:
    """Divide by the root of the mean square over the last axes."""
    axes = tuple(range(-len(shape), 0))
    epsilon = 1.1920929e-07 if epsilon is None else epsilon  # torch's: that of float32
    normalised = values * ops.rsqrt(ops.mean(ops.square(values), axis=axes, keepdims=True) + epsilon)
    return normalised if weight is None else normalised * weight


@operator("group_norm.default")
def group_norm(values: Any, groups: int, weight: Any = None, bias: Any = None, epsilon: float = 1e-5, *_: Any) -> Any:
    """Normalise over groups of channels of each scan."""
    shape = ops.shape(values)
    grouped = layer_norm(ops.reshape(values, (-1, groups, _product(shape[1:]) // groups)), (1,), epsilon=epsilon)
    normalised = ops.reshape(grouped, (-1, *shape[1:]))
    normalised = normalised if weight is None else normalised * _by_channel(weight, values)
    return normalised if bias is None else normalised + _by_channel(bias, values)


@operator("instance_norm.default")
def instance_norm(values: Any, weight: Any, bias: Any, *rest: Any) -> Any:
    """Normalise each channel of each scan."""
    mean, variance, of_scan, momentum, epsilon, *_ = rest
    if not of_scan:
        return batch_norm(values, weight, bias, mean, variance, momentum, epsilon)[0]
    return group_norm(values, values.shape[1], weight, bias, epsilon)


def _by_channel(vector: Any, values: Any) -> Any:
    return ops.reshape(vector, (1, -1) + (1,) * (len(values.shape) - 2))


def _product(lengths: Any) -> int:
    product = 1
    for length in lengths:
        product *= length
    return product
