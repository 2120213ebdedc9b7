"""Products: of matrices, and attention."""

from __future__ import annotations

import math
from typing import Any

from octlib.models.graph.operators.table import operator
from octlib.models.keras_backend import keras

ops = keras.ops

operator("bmm.default", "matmul.default", "mm.default", "mv.default", "dot.default")(ops.matmul)


@operator("linear.default")
def linear(values: Any, weight: Any, bias: Any = None) -> Any:
    """A dense layer; weight is (out, in)."""
    product = ops.matmul(values, ops.transpose(weight))
    return product if bias is None else product + bias


@operator("addmm.default", "baddbmm.default")
def add_product(added: Any, first: Any, second: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """Add to a product of matrices."""
    return beta * added + alpha * ops.matmul(first, second)


@operator("einsum.default")
def einsum(equation: str, tensors: Any, **_: Any) -> Any:
    """Einstein's sum."""
    return ops.einsum(equation, *tensors)


@operator("scaled_dot_product_attention.default")
def attention(
    query: Any,
    key: Any,
    value: Any,
    mask: Any = None,
    _dropout: float = 0.0,
    causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """Attention, (..., tokens, channels); a mask is added, or says where to look."""
    if causal or enable_gqa:
        raise NotImplementedError("causal or grouped attention")
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = ops.matmul(query * scale, ops.swapaxes(key, -1, -2))
    if mask is not None:
        is_choice = keras.backend.standardize_dtype(mask.dtype) == "bool"
        scores = ops.where(mask, scores, -1e30) if is_choice else scores + mask
    return ops.matmul(ops.softmax(scores, axis=-1), value)
