"""Activations: each beside torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

VALUES = 4 * np.random.default_rng(0).normal(size=(2, 6, 5)).astype(np.float32)
SLOPES = np.array([0.1, -0.2, 0.3, 0, 0.5, 0.6], np.float32)
CASES = [
    *[(f"{name}.default", VALUES) for name in ("hardsigmoid", "hardswish", "relu", "relu6", "selu", "sigmoid")],
    *[(f"{name}.default", VALUES) for name in ("silu", "tanh", "gelu", "elu", "leaky_relu", "mish", "softplus")],
    ("elu.default", VALUES, 0.5),
    ("elu.default", VALUES, 1.7, 1.1, 0.9),
    ("leaky_relu.default", VALUES, 0.2),
    ("softplus.default", 9 * VALUES, 2, 10),
    ("prelu.default", VALUES, SLOPES),
    ("prelu.default", VALUES, SLOPES[:1]),
    ("_prelu_kernel.default", VALUES, SLOPES[:, None]),
    *[(f"{name}.int", VALUES, axis) for name in ("softmax", "log_softmax") for axis in (1, -1)],
    *[(f"{name}.default", VALUES, -2, False) for name in ("_softmax", "_log_softmax")],
    ("softmax.int", 9 * VALUES, 0),
    ("dropout.default", VALUES, 0.5, False),
    ("glu.default", VALUES, 1),
    ("glu.default", VALUES[:, :, :4]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_an_activation_is_torchs(beside_torch: Callable[..., None], case: tuple[Any, ...]) -> None:
    beside_torch(*case)


def test_both_kinds_of_gelu(beside_torch: Callable[..., None]) -> None:
    beside_torch("gelu.default", VALUES, approximate="tanh")
    beside_torch("gelu.default", VALUES, approximate="none")


def test_a_softmax_in_a_type_of_its_own(beside_torch: Callable[..., None]) -> None:
    beside_torch("softmax.int", np.arange(6), 0, torch.float32)
