"""Losses: the log loss is scikit-learn's, and never below 0."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from octlib.calibration.losses import log_loss


@given(st.integers(0, 2**32 - 1))
def test_it_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    rows, labels = rng.dirichlet(np.ones(3), size=12), rng.integers(3, size=12)
    assert log_loss(labels, rows) == pytest.approx(metrics.log_loss(labels, rows, labels=[0, 1, 2]))


def test_certainty_costs_nothing_or_much_and_is_finite():
    sure = np.eye(2)[[0, 1]]
    assert log_loss(np.array([0, 1]), sure * (1 + 1e-7)) == 0
    assert 100 < log_loss(np.array([1, 0]), sure) < np.inf
