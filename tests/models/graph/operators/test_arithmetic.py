"""Arithmetic: each operator beside torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from octlib.models.graph.operators import OPERATORS
from octlib.models.keras_backend import keras

RANDOM = np.random.default_rng(0)
VALUES = 3 * RANDOM.normal(size=(2, 3, 4)).astype(np.float32)
OTHERS = 3 * RANDOM.normal(size=(3, 1)).astype(np.float32)
POSITIVE = np.abs(VALUES) + 0.1
WHOLE = np.arange(-6, 6).reshape(3, 4)
FEW = np.array([[0.5, 1.5, 2.5, -0.5], [1, 1, 2, 2]], np.float32)
TRUE, OTHER = WHOLE % 2 == 0, WHOLE > 0
ONE_NUMBER = ("abs", "ceil", "cos", "erf", "exp", "floor", "neg", "reciprocal", "round", "sign", "sin", "square")
CASES = [
    *[(f"{name}.default", VALUES) for name in ONE_NUMBER],
    *[(f"{name}.default", POSITIVE) for name in ("log", "rsqrt", "sqrt")],
    ("round.default", FEW),
    ("abs.default", WHOLE),
    *[(f"{name}.default", TRUE) for name in ("bitwise_not", "logical_not")],
    *[(name, TRUE, OTHER) for name in ("bitwise_and.Tensor", "bitwise_or.Tensor", "logical_and.default")],
    ("logical_or.default", TRUE, OTHER),
    *[(f"{name}.Scalar", FEW, 1) for name in ("eq", "ne", "ge", "gt", "le", "lt")],
    *[(f"{name}.Tensor", FEW, FEW[:1]) for name in ("eq", "ne", "ge", "gt", "le", "lt")],
    *[(f"{name}.default", VALUES, OTHERS) for name in ("maximum", "minimum")],
    *[(f"{name}.Scalar", VALUES, 3) for name in ("add", "sub", "rsub", "mul", "div")],
    *[(f"{name}.Tensor", VALUES, OTHERS) for name in ("add", "sub", "rsub", "mul", "div")],
    *[(f"{name}.Tensor", WHOLE, WHOLE[:1]) for name in ("add", "sub", "mul")],
    ("div.Tensor", WHOLE, WHOLE + 7),
    ("mul.Tensor", VALUES, TRUE),
    ("pow.Scalar", 2, VALUES),
    ("pow.Tensor_Scalar", VALUES, 2),
    ("pow.Tensor_Scalar", POSITIVE, -0.5),
    ("pow.Tensor_Tensor", POSITIVE, OTHERS),
    ("where.self", TRUE, VALUES, OTHERS),
    ("where.ScalarOther", TRUE, VALUES, 7.0),
    ("where.ScalarSelf", TRUE, 7.0, VALUES),
    ("clamp.default", VALUES, -1, 0.5),
    ("clamp.default", VALUES, None, 0.5),
    ("clamp.default", VALUES, 0.5),
    ("clamp.Tensor", VALUES, OTHERS - 1, OTHERS),
    ("hardtanh.default", VALUES),
    ("hardtanh.default", VALUES, 0, 6),
    ("clamp_min.default", VALUES, 0.5),
    ("clamp_min.Tensor", VALUES, OTHERS),
    ("clamp_max.default", VALUES, 0.5),
    ("clamp_max.Tensor", VALUES, OTHERS),
    ("masked_fill.Scalar", VALUES, TRUE, -7),
    ("masked_fill.Tensor", VALUES, TRUE, np.array(-7, np.float32)),
    ("_to_copy.default", VALUES),
    ("to.dtype", WHOLE, torch.float32),
    ("to.dtype", VALUES, torch.int32),
    ("to.device", WHOLE, "cpu", torch.float32),
    ("to.dtype_layout", VALUES),
    ("type_as.default", WHOLE, VALUES),
    *[(f"{name}.default", VALUES) for name in ("alias", "clone", "contiguous", "detach", "lift_fresh_copy")],
]
NAMED = [
    ("add.Tensor", (VALUES, OTHERS), {"alpha": 2}),
    ("sub.Tensor", (VALUES, OTHERS), {"alpha": 2}),
    ("rsub.Scalar", (VALUES, 3, 2), {}),
    *[("div.Tensor_mode", (VALUES, OTHERS), {"rounding_mode": mode}) for mode in ("floor", "trunc", None)],
    *[("div.Scalar_mode", (VALUES, 0.7), {"rounding_mode": mode}) for mode in ("floor", "trunc")],
    *[("div.Tensor_mode", (WHOLE, np.array(4)), {"rounding_mode": mode}) for mode in ("floor", "trunc")],
    ("_to_copy.default", (WHOLE,), {"dtype": torch.float32}),
    ("to.dtype_layout", (TRUE,), {"dtype": torch.float32}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_arithmetic_is_torchs(beside_torch: Callable[..., None], case: tuple[Any, ...]) -> None:
    beside_torch(*case)


@pytest.mark.parametrize(("name", "args", "kwargs"), NAMED)
def test_arithmetic_with_settings_is_torchs(
    beside_torch: Callable[..., None], name: str, args: Any, kwargs: Any
) -> None:
    beside_torch(name, *args, **kwargs)


@pytest.mark.parametrize(
    ("name", "args", "wanted"),
    [
        ("add", (7, 2), 9),
        ("sub", (7, 2), 5),
        ("mul", (7, 2), 14),
        ("floordiv", (7, 2), 3),
        ("truediv", (7, 2), 3.5),
        ("neg", (7,), -7),
        ("getitem", ([7, 2], 1), 2),
    ],
)
def test_sizes_are_computed_as_python_does(name: str, args: Any, wanted: float) -> None:
    assert OPERATORS[f"operator.{name}"](*args) == wanted


def test_the_slope_of_a_filled_place_is_none() -> None:
    values = keras.ops.convert_to_tensor(VALUES)
    filled = OPERATORS["aten.masked_fill.Scalar"](values, keras.ops.convert_to_tensor(TRUE), float("-inf"))
    shares = keras.ops.convert_to_numpy(keras.ops.softmax(filled))
    assert np.all((shares == 0) == TRUE)
