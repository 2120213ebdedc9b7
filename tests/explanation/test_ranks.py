"""Ranks: orders are permutations, ties are drawn, and correlations are scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from octlib.explanation.ranks import correlations, order_of, random_order, rank_correlations


@given(st.integers(0, 2**32 - 1))
def test_every_pixel_has_its_turn_and_the_highest_the_first(seed):
    rng = np.random.default_rng(seed)
    heatmap = rng.integers(0, 4, (6, 7)).astype(float)
    order = order_of(heatmap, rng)
    np.testing.assert_allclose(np.sort(order.ravel()), np.arange(42) / 42, atol=1e-6)
    assert (np.diff(heatmap.ravel()[np.argsort(order.ravel())]) <= 0).all()


def test_equal_pixels_are_drawn_and_patches_stay_together():
    rng = np.random.default_rng(0)
    flat = np.zeros((8, 8))
    assert (order_of(flat, rng) != order_of(flat, rng)).any()
    patches = (random_order((64, 64), rng) * 64 * 64 // 16).reshape(16, 4, 16, 4)
    assert len(np.unique(patches)) == 256
    assert (patches.min(axis=(1, 3)) == patches.max(axis=(1, 3))).all()


@given(st.integers(0, 2**32 - 1))
def test_correlations_are_those_of_scipy(seed):
    first, second = np.random.default_rng(seed).random((2, 1, 4, 5))
    assert correlations(first, second)[0] == pytest.approx(stats.pearsonr(first.ravel(), second.ravel()).statistic)
    expected = stats.spearmanr(first.ravel(), second.ravel()).statistic
    assert rank_correlations(first, second)[0] == pytest.approx(expected)
