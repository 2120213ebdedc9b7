"""Ranks: resamples have the AUROC and the average precision of the scans that they hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from octlib.evaluation.ranks import prepare_ranking


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_they_are_scikit_learns_on_the_scans_drawn(seed, tied):
    rng = np.random.default_rng(seed)
    scores, groups = rng.random(30), rng.integers(6, size=30)
    scores = scores.round(1) if tied else scores
    positive = rng.random(30) < 0.5
    weights = rng.integers(0, 3, size=(6, 4)).astype(float)
    auroc, precision = prepare_ranking(scores, positive, groups)(weights)
    for draw in range(4):
        drawn = np.repeat(np.arange(30), weights[groups, draw].astype(int))
        sides = positive[drawn].sum(), (~positive[drawn]).sum()
        expected = roc_auc_score(positive[drawn], scores[drawn]) if min(sides) else np.nan
        assert auroc[draw] == pytest.approx(expected, nan_ok=True)
        expected = average_precision_score(positive[drawn], scores[drawn]) if sides[0] else np.nan
        assert precision[draw] == pytest.approx(expected, nan_ok=True)
