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
    if rounding_mode != "trunc":
        return quotient
    whole = all("int" in keras.backend.standardize_dtype(ops.convert_to_tensor(each).dtype) for each in (first, second))
    return ops.cast(ops.trunc(quotient), first.dtype) if whole else ops.trunc(quotient)


@operator("clamp.default", "clamp.Tensor")
def clamp(values: Any, low: Any = None, high: Any = None) -> Any:
    """Limit values."""
    values = values if low is None else ops.maximum(values, low)
    return values if high is None else ops.minimum(values, high)


@operator("hardtanh.default")
def hardtanh(values: Any, low: float = -1, high: float = 1) -> Any:
    """Limit values, to -1 and 1 unless told otherwise."""
    return clamp(values, low, high)


@operator("clamp_min.default", "clamp_min.Tensor")
def clamp_min(values: Any, low: Any) -> Any:
    """Limit values from below."""
    return ops.maximum(values, low)


@operator("clamp_max.default", "clamp_max.Tensor")
def clamp_max(values: Any, high: Any) -> Any:
    """Limit values from above."""
    return ops.minimum(values, high)


@operator("where.ScalarOther", "where.ScalarSelf", "where.self")
def where(choice: Any, first: Any, second: Any) -> Any:
    """Choose between two."""
    # Keras's own takes no variable on JAX.
    return ops.where(choice, ops.convert_to_tensor(first), ops.convert_to_tensor(second))


@operator("masked_fill.Scalar", "masked_fill.Tensor")
def masked_fill(values: Any, mask: Any, filling: Any) -> Any:
    """Replace values where a mask is true."""
    return where(mask, ops.cast(filling, values.dtype), values)


@operator("to.device")
def move(values: Any, _: Any, dtype: Any = None, *__: Any, **___: Any) -> Any:
    """Change the type; where values lie is the backend's business."""
    return cast(values, dtype)


@operator("_to_copy.default", "to.dtype", "to.dtype_layout")
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
