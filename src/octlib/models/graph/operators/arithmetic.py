"""Arithmetic: element by element."""

from __future__ import annotations

import operator as python
from typing import Any

from octlib.models.graph.operators.table import OPERATORS, operator
from octlib.models.keras_backend import keras

ops = keras.ops

# On sizes, which are plain numbers wherever the backend knows them.
OPERATORS.update({f"operator.{each.__name__}": each for each in (python.add, python.sub, python.mul, python.floordiv)})
OPERATORS.update({"operator.getitem": python.getitem, "operator.truediv": python.truediv, "operator.neg": python.neg})

for names, function in {
    ("abs",): ops.absolute,
    ("bitwise_and.Tensor", "logical_and"): ops.logical_and,
    ("bitwise_not", "logical_not"): ops.logical_not,
    ("bitwise_or.Tensor", "logical_or"): ops.logical_or,
    ("ceil",): ops.ceil,
    ("cos",): ops.cos,
    ("eq.Scalar", "eq.Tensor"): ops.equal,
    ("erf",): ops.erf,
    ("exp",): ops.exp,
    ("floor",): ops.floor,
    ("ge.Scalar", "ge.Tensor"): ops.greater_equal,
    ("gt.Scalar", "gt.Tensor"): ops.greater,
    ("le.Scalar", "le.Tensor"): ops.less_equal,
    ("log",): ops.log,
    ("lt.Scalar", "lt.Tensor"): ops.less,
    ("maximum",): ops.maximum,
    ("minimum",): ops.minimum,
    ("mul.Scalar", "mul.Tensor"): ops.multiply,
    ("ne.Scalar", "ne.Tensor"): ops.not_equal,
    ("neg",): ops.negative,
    ("pow.Scalar", "pow.Tensor_Scalar", "pow.Tensor_Tensor"): ops.power,
    ("reciprocal",): ops.reciprocal,
    ("round",): ops.round,
    ("rsqrt",): ops.rsqrt,
    ("sign",): ops.sign,
    ("sin",): ops.sin,
    ("sqrt",): ops.sqrt,
    ("square",): ops.square,
    ("where.ScalarOther", "where.ScalarSelf", "where.self"): ops.where,
}.items():
    operator(*(name if "." in name else f"{name}.default" for name in names))(function)


@operator("add.Scalar", "add.Tensor")
def add(first: Any, second: Any, *, alpha: float = 1) -> Any:
    """Add, the second one ``alpha`` times."""
    return ops.add(first, second if alpha == 1 else ops.multiply(second, alpha))


@operator("sub.Scalar", "sub.Tensor")
def subtract(first: Any, second: Any, *, alpha: float = 1) -> Any:
    """Subtract, the second one ``alpha`` times."""
    return ops.subtract(first, second if alpha == 1 else ops.multiply(second, alpha))


@operator("rsub.Scalar", "rsub.Tensor")
def subtract_from(first: Any, second: Any, alpha: float = 1) -> Any:
    """Subtract the first one, ``alpha`` times, from the second."""
    return ops.subtract(second, first if alpha == 1 else ops.multiply(first, alpha))


@operator("div.Scalar", "div.Tensor", "div.Tensor_mode", "div.Scalar_mode")
def divide(first: Any, second: Any, *, rounding_mode: str | None = None) -> Any:
    """Divide."""
    if rounding_mode == "floor":
        return ops.floor_divide(first, second)
    quotient = ops.divide(first, second)
    return ops.trunc(quotient) if rounding_mode == "trunc" else quotient


@operator("clamp.default", "clamp.Tensor", "hardtanh.default")
def clamp(values: Any, low: Any = None, high: Any = None) -> Any:
    """Limit values."""
    values = values if low is None else ops.maximum(values, low)
    return values if high is None else ops.minimum(values, high)


@operator("clamp_min.default", "clamp_min.Tensor")
def clamp_min(values: Any, low: Any) -> Any:
    """Limit values from below."""
    return ops.maximum(values, low)


@operator("clamp_max.default", "clamp_max.Tensor")
def clamp_max(values: Any, high: Any) -> Any:
    """Limit values from above."""
    return ops.minimum(values, high)


@operator("masked_fill.Scalar", "masked_fill.Tensor")
def masked_fill(values: Any, mask: Any, filling: Any) -> Any:
    """Replace values where a mask is true."""
    return ops.where(mask, ops.cast(filling, values.dtype), values)


@operator("_to_copy.default", "to.dtype", "to.device", "to.dtype_layout")
def cast(values: Any, dtype: Any = None, *_: Any, **__: Any) -> Any:
    """Change the type, if one is given."""
    return ops.cast(values, dtype) if isinstance(dtype, str) else values


@operator("type_as.default")
def cast_like(values: Any, other: Any) -> Any:
    """Change the type to that of another tensor."""
    return ops.cast(values, other.dtype)


@operator("alias.default", "clone.default", "contiguous.default", "detach.default", "lift_fresh_copy.default")
def same(values: Any, **_: Any) -> Any:
    """Leave everything as it is: nothing here is changed in place."""
    return ops.convert_to_tensor(values)
