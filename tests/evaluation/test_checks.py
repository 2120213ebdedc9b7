"""Checks of scoring: one form inside, whatever came."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.evaluation import checks


@pytest.mark.parametrize("precision", [np.float16, np.float32, np.float64])
def test_softmax_in_any_precision_passes(precision):
    raw = np.random.default_rng(0).normal(size=(500, 8)).astype(precision)
    probabilities = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    checked = checks.check_probabilities(probabilities, tuple("abcdefgh"))
    assert checked.dtype == np.float64
    assert np.array_equal(checked, probabilities)


def test_percentages_and_raw_scores_do_not_pass():
    for values in ([[40.0, 60.0]], [[0.2, 0.3]], [[-1.2, 2.2]], [[np.inf, 0.0]]):
        with pytest.raises(ValueError, match="sum to 1"):
            checks.check_probabilities(np.array(values), ("a", "b"))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_truth_of_any_int_type_is_fine(dtype):
    assert checks.check_truth(np.array([0, 1], dtype=dtype), 2, ("a", "b")).dtype == np.int64


@pytest.mark.parametrize("seed", [-1, 1.5, None, "0"])
def test_seeds_have_to_be_ints(seed):
    with pytest.raises(ValueError, match="seed must be an int >= 0"):
        checks.check_settings(0.95, seed)
    checks.check_settings(0.95, np.int64(3))
