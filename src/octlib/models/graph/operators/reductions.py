"""Reductions: sums, means and extremes along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from octlib.models.graph.operators.table import operator
from octlib.models.keras_backend import keras

ops = keras.ops
Axes = Any  # a number, several, or None for all


@operator("mean.dim", "mean.default")
def mean(values: Any, axes: Axes = None, keepdims: bool = False, *, dtype: Any = None) -> Any:
    """Mean."""
    return ops.mean(_as(values, dtype), axis=_axes(axes), keepdims=keepdims)


@operator("sum.dim_IntList", "sum.default")
def total(values: Any, axes: Axes = None, keepdims: bool = False, *, dtype: Any = None) -> Any:
    """Sum."""
    return ops.sum(_as(values, dtype), axis=_axes(axes), keepdims=keepdims)


@operator("amax.default", "max.default")
def highest(values: Any, axes: Axes = None, keepdims: bool = False) -> Any:
    """Maximum."""
    return ops.max(values, axis=_axes(axes), keepdims=keepdims)


@operator("amin.default", "min.default")
def lowest(values: Any, axes: Axes = None, keepdims: bool = False) -> Any:
    """Minimum."""
    return ops.min(values, axis=_axes(axes), keepdims=keepdims)


@operator("max.dim")
def highest_with_place(values: Any, axis: int, keepdims: bool = False) -> tuple[Any, Any]:
    """Maximum and where it is."""
    return ops.max(values, axis=axis, keepdims=keepdims), ops.argmax(values, axis=axis, keepdims=keepdims)


@operator("argmax.default")
def argmax(values: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the maximum is."""
    return ops.argmax(values, axis=axis, keepdims=keepdims)


@operator("any.dim", "any.default", "any.dims")
def some(values: Any, axes: Axes = None, keepdims: bool = False) -> Any:
    """Whether any value is true."""
    return ops.any(values, axis=_axes(axes), keepdims=keepdims)


@operator("var.dim")
def variance_of_sample(values: Any, axes: Axes = None, unbiased: bool = True, keepdims: bool = False) -> Any:
    """Variance."""
    return variance(values, axes, correction=int(unbiased), keepdim=keepdims)


@operator("var.correction")
def variance(values: Any, axes: Axes = None, *, correction: float | None = 1, keepdim: bool = False) -> Any:
    """Variance, divided by the number of values less a correction."""
    axes = tuple(range(len(values.shape))) if _axes(axes) is None else _axes(axes)
    number = _number(values, axes)
    spread = ops.var(values, axis=axes, keepdims=keepdim)
    return spread * number / (number - (1 if correction is None else correction))


@operator("std.dim")
def deviation_of_sample(values: Any, axes: Axes = None, unbiased: bool = True, keepdims: bool = False) -> Any:
    """Standard deviation."""
    return ops.sqrt(variance(values, axes, correction=int(unbiased), keepdim=keepdims))


@operator("std.correction")
def deviation(values: Any, axes: Axes = None, *, correction: float | None = 1, keepdim: bool = False) -> Any:
    """Standard deviation, with a correction as for the variance."""
    return ops.sqrt(variance(values, axes, correction=correction, keepdim=keepdim))


@operator("var_mean.correction")
def variance_and_mean(
    values: Any, axes: Axes = None, *, correction: float | None = 1, keepdim: bool = False
) -> tuple[Any, Any]:
    """Variance and mean."""
    return variance(values, axes, correction=correction, keepdim=keepdim), mean(values, axes, keepdim)


@operator("linalg_vector_norm.default", "norm.ScalarOpt_dim")
def vector_norm(
    values: Any, order: float | None = 2, axes: Axes = None, keepdims: bool = False, *, dtype: Any = None
) -> Any:
    """Norm of vectors."""
    values, order = _as(values, dtype), 2 if order is None else order
    # The tiny number keeps the slope at a vector of zeros finite; it is far below what float32 tells apart.
    if order == 2:
        return ops.sqrt(ops.sum(ops.square(values), axis=_axes(axes), keepdims=keepdims) + 1e-30)
    if order == 1:
        return ops.sum(ops.absolute(values), axis=_axes(axes), keepdims=keepdims)
    raise NotImplementedError(f"a norm of order {order}")


@operator("cumsum.default")
def cumulated(values: Any, axis: int, *, dtype: Any = None) -> Any:
    """Running sum."""
    return ops.cumsum(_as(values, dtype), axis=axis)


def _as(values: Any, dtype: Any) -> Any:
    return ops.cast(values, dtype) if isinstance(dtype, str) else values


def _axes(axes: Axes) -> Any:
    return (tuple(axes) or None) if isinstance(axes, list | tuple) else axes


def _number(values: Any, axes: Any) -> Any:
    sizes = ops.shape(values)
    number: Any = 1
    for axis in np.atleast_1d(axes).tolist():
        number = number * sizes[axis]
    return number if isinstance(number, int) else ops.cast(number, values.dtype)
