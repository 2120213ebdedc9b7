"""Holm: the correction of statsmodels, with tests that there weren't left out."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from octlib.evaluation.holm import correct_by_holm


@pytest.mark.parametrize("p", [[0.2], [0.03, 0.001, 0.04, 0.04, 0.9], [1, 0, 0.5, 0.5]])
def test_it_is_that_of_statsmodels(p):
    corrected = correct_by_holm(np.array([np.nan, *p, np.nan]))
    assert np.isnan(corrected[[0, -1]]).all()
    assert corrected[1:-1] == pytest.approx(multipletests(p, method="holm")[1])


def test_without_a_test_there_is_nothing_to_correct():
    assert np.isnan(correct_by_holm(np.full(2, np.nan))).all()
