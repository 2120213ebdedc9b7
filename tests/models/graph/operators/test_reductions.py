"""Reductions: each beside torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from octlib.models.graph.operators import OPERATORS
from octlib.models.keras_backend import keras

VALUES = (1 + np.random.default_rng(0).normal(size=(2, 3, 5, 4))).astype(np.float32)
TRUE = VALUES > 2
WHOLE = np.arange(24).reshape(2, 3, 4) * 7 % 11
AXES = [([1], False), ([2, 3], True), ([-1, 1], False), ([0, 1, 2, 3], True)]
SEVERAL = ("mean.dim", "sum.dim_IntList", "amax.default", "amin.default", "var.dim", "std.dim")
CORRECTED = ["var.correction", "std.correction", "var_mean.correction"]
CASES = [
    *[(f"{name}.default", VALUES) for name in ("mean", "sum", "max", "min", "argmax", "amax", "amin")],
    *[("any.default", each) for each in (TRUE, VALUES > 99)],
    *[(name, VALUES, axes, *rest) for name in SEVERAL[:4] for axes, *rest in AXES],
    *[(name, VALUES, axes, unbiased, *rest) for name in SEVERAL[4:] for axes, *rest in AXES for unbiased in (0, 1)],
    ("sum.dim_IntList", WHOLE, [1]),
    ("sum.default", TRUE),
    ("mean.dim", VALUES, None),
    ("max.dim", VALUES, 1),
    ("max.dim", VALUES, -1, True),
    ("argmax.default", VALUES, 2),
    ("argmax.default", VALUES, -1, True),
    ("any.dim", TRUE, 1),
    ("any.dim", TRUE, -1, True),
    ("any.dims", TRUE, [1, -1], True),
    ("var.correction", VALUES),
    ("var.correction", VALUES, []),
    ("linalg_vector_norm.default", VALUES),
    ("linalg_vector_norm.default", VALUES, 2, [-1], True),
    ("linalg_vector_norm.default", VALUES, 1, [1, 2]),
    ("norm.ScalarOpt_dim", VALUES, 2, [1], True),
    ("norm.ScalarOpt_dim", VALUES, None, [-1]),
    ("norm.ScalarOpt_dim", VALUES, 1, [-1]),
    ("cumsum.default", VALUES, 1),
    ("cumsum.default", VALUES, -1),
    ("cumsum.default", WHOLE, 2),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_reduction_is_torchs(beside_torch: Callable[..., None], case: tuple[Any, ...]) -> None:
    beside_torch(*case)


@pytest.mark.parametrize("correction", [0, 1, 2, None])
@pytest.mark.parametrize("name", CORRECTED)
@pytest.mark.parametrize("keepdim", [False, True])
def test_spread_with_a_correction(beside_torch: Callable[..., None], name: str, correction: Any, keepdim: bool) -> None:
    beside_torch(name, VALUES, [0, -2], correction=correction, keepdim=keepdim)


def test_a_sum_in_a_type_of_its_own(beside_torch: Callable[..., None]) -> None:
    beside_torch("cumsum.default", TRUE, 1, dtype=torch.float32)
    beside_torch("sum.dim_IntList", TRUE, [1], dtype=torch.float32)
    beside_torch("mean.dim", WHOLE, [1], dtype=torch.float32)


def test_the_norm_of_nothing_is_zero() -> None:
    nothing = keras.ops.zeros((2, 3))
    norm = OPERATORS["aten.linalg_vector_norm.default"](nothing, 2, [-1])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(norm), 0, atol=1e-12)


def test_a_norm_of_another_order_is_named() -> None:
    with pytest.raises(NotImplementedError, match="norm of order 3"):
        OPERATORS["aten.linalg_vector_norm.default"](keras.ops.convert_to_tensor(VALUES), 3, [-1])
