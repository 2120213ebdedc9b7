"""Normalisation: each kind beside torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from octlib.models.graph.operators import OPERATORS
from octlib.models.graph.operators.normalisation import moments
from octlib.models.keras_backend import keras

RANDOM = np.random.default_rng(0)
VALUES = (2 + 3 * RANDOM.normal(size=(2, 6, 5, 4))).astype(np.float32)
WEIGHT, BIAS, MEAN = RANDOM.normal(size=(3, 6)).astype(np.float32)
VARIANCE = np.abs(MEAN) + 0.5
OF_BATCH = ("_native_batch_norm_legit.no_stats", VALUES, WEIGHT, BIAS, True, 0.0, 1e-3)
BY_PAST = "_native_batch_norm_legit_no_training.default"
CASES = [
    (BY_PAST, VALUES, WEIGHT, BIAS, MEAN, VARIANCE, 0.1, 1e-3),
    (BY_PAST, VALUES, None, None, MEAN, VARIANCE, 0.1, 1e-5),
    (BY_PAST, VALUES[:, :, 0], WEIGHT, BIAS, MEAN, VARIANCE, 0.1, 1e-5),
    (BY_PAST, VALUES[:, :, 0, 0], WEIGHT, BIAS, MEAN, VARIANCE, 0.1, 1e-5),
    OF_BATCH,
    ("_native_batch_norm_legit.no_stats", VALUES, None, None, True, 0.0, 1e-5),
    ("layer_norm.default", VALUES, [4]),
    ("layer_norm.default", VALUES, [4], WEIGHT[:4], BIAS[:4], 1e-6),
    ("layer_norm.default", VALUES, [5, 4], VALUES[0, 0], VALUES[0, 1]),
    ("layer_norm.default", 1e-3 * VALUES, [4], WEIGHT[:4]),
    ("rms_norm.default", VALUES, [4]),
    ("rms_norm.default", VALUES, [4], WEIGHT[:4], 1e-6),
    ("group_norm.default", VALUES, 3, WEIGHT, BIAS, 1e-3),
    ("group_norm.default", VALUES, 1),
    ("group_norm.default", VALUES[:, :, :, 0], 2, WEIGHT, BIAS),
    ("group_norm.default", VALUES[:, :, 0, 0], 2, WEIGHT, BIAS),
    ("instance_norm.default", VALUES, WEIGHT, BIAS, None, None, True, 0.1, 1e-3, False),
    ("instance_norm.default", VALUES, None, None, None, None, True, 0.1, 1e-5, False),
    ("instance_norm.default", VALUES, WEIGHT, BIAS, MEAN, VARIANCE, False, 0.1, 1e-5, False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_normalisation_is_torchs(beside_torch: Callable[..., None], case: tuple[Any, ...]) -> None:
    beside_torch(*case)


def test_the_moments_are_those_of_each_channel() -> None:
    mean, variance = map(keras.ops.convert_to_numpy, moments(keras.ops.convert_to_tensor(VALUES)))
    np.testing.assert_allclose(mean, VALUES.mean((0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(variance, VALUES.var((0, 2, 3)), rtol=1e-5)


def test_a_map_of_one_value_is_no_division_by_zero() -> None:
    same = keras.ops.convert_to_tensor(np.full_like(VALUES, 7))
    for name, *rest in (("layer_norm.default", [4]), ("group_norm.default", 2)):
        found = keras.ops.convert_to_numpy(OPERATORS[f"aten.{name}"](same, *rest))
        np.testing.assert_allclose(found, np.zeros_like(VALUES), atol=1e-3, err_msg=name)
