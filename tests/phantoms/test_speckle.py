"""Speckle: its distribution is the one that physics asks for; smooth fields are smooth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from octlib.phantoms.speckle import correlated, smooth_noise, speckle


@pytest.mark.parametrize("averaging", [1, 2, 9])
def test_speckle_is_gamma_distributed(averaging):
    grain = speckle(np.random.default_rng(0), (300, 300), averaging)
    assert (grain.shape, grain.dtype) == ((300, 300), np.float32)
    assert stats.kstest(grain.ravel(), stats.gamma(averaging, scale=1 / averaging).cdf).statistic < 0.01


def test_spreading_keeps_the_mean_and_its_own_shape():
    dot = np.zeros((7, 7), dtype=np.float32)
    dot[3, 3] = 16
    np.testing.assert_array_equal(correlated(dot)[2:5, 2:5], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    np.testing.assert_allclose(correlated(np.full((5, 9), 0.3, dtype=np.float32)), 0.3, rtol=1e-6)


def test_smooth_noise_is_smooth_and_as_fine_as_asked():
    rng = np.random.default_rng(0)
    coarse, fine = (smooth_noise(rng, (200, 240), cells) for cells in ((4, 4), (40, 48)))
    steps = [np.abs(np.diff(field, axis=1)).mean() for field in (coarse, fine)]
    assert steps[0] < 0.3 * steps[1]
    assert coarse.shape == (200, 240)
    assert np.abs(coarse).max() < 5
