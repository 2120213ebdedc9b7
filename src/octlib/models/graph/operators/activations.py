"""Activations: element by element, bent."""

from __future__ import annotations

from typing import Any

from octlib.models.graph.operators.arithmetic import where
from octlib.models.graph.operators.table import operator
from octlib.models.keras_backend import keras

ops = keras.ops

for names, function in {
    ("hardsigmoid",): ops.hard_sigmoid,
    ("hardswish",): ops.hard_silu,
    ("relu",): ops.relu,
    ("relu6",): ops.relu6,
    ("selu",): ops.selu,
    ("sigmoid",): ops.sigmoid,
    ("silu",): ops.silu,
    ("tanh",): ops.tanh,
}.items():
    operator(*(f"{name}.default" for name in names))(function)


@operator("gelu.default")
def gelu(values: Any, approximate: str = "none") -> Any:
    """Gaussian error linear unit."""
    return ops.gelu(values, approximate=approximate == "tanh")


@operator("elu.default")
def elu(values: Any, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Any:
    """Exponential linear unit."""
    below = alpha * ops.expm1(ops.minimum(values, 0) * input_scale)
    return scale * where(values > 0, values, below)


@operator("leaky_relu.default")
def leaky_relu(values: Any, slope: float = 0.01) -> Any:
    """Rectify, with a slope below zero."""
    return where(values > 0, values, values * slope)


@operator("prelu.default", "_prelu_kernel.default")
def prelu(values: Any, slope: Any) -> Any:
    """Rectify, with a slope for each channel below zero."""
    slope = ops.reshape(slope, (1, -1) + (1,) * (len(values.shape) - 2)) if len(slope.shape) == 1 else slope
    return where(values > 0, values, values * slope)


@operator("mish.default")
def mish(values: Any) -> Any:
    """Mish: values times the hyperbolic tangent of their softplus."""
    return values * ops.tanh(ops.softplus(values))


@operator("softplus.default")
def softplus(values: Any, beta: float = 1, threshold: float = 20) -> Any:
    """Smooth rectifier."""
    return where(values * beta > threshold, values, ops.softplus(values * beta) / beta)


@operator("softmax.int", "_softmax.default")
def softmax(values: Any, axis: int, dtype: Any = None) -> Any:
    """Softmax along an axis."""
    return ops.softmax(ops.cast(values, dtype) if isinstance(dtype, str) else values, axis=axis)


@operator("log_softmax.int", "_log_softmax.default")
def log_softmax(values: Any, axis: int, *_: Any) -> Any:
    """Logarithm of the softmax along an axis."""
    return ops.log_softmax(values, axis=axis)


@operator("dropout.default")
def dropout(values: Any, *_: Any) -> Any:
    """Nothing: networks are traced in evaluation mode."""
    return values


@operator("glu.default")
def glu(values: Any, axis: int = -1) -> Any:
    """One half, gated by the other."""
    half, gate = ops.split(values, 2, axis=axis)
    return half * ops.sigmoid(gate)
