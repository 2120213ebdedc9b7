"""Speckle: the grain has the statistics of averaged looks, and textures are smooth."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.phantoms.speckle import smooth_noise, speckle


@pytest.mark.parametrize("looks", [1, 4, 16])
def test_speckle_has_mean_one_and_the_contrast_of_its_looks(looks: int) -> None:
    grain = speckle(np.random.default_rng(0), (300, 400), looks)
    assert grain.shape == (300, 400)
    assert grain.dtype == np.float32
    assert grain.mean() == pytest.approx(1, abs=0.01)
    # Each pixel is the mean of two draws, each with variance 1 / looks.
    assert grain.var() == pytest.approx(1 / (2 * looks), rel=0.05)


def test_grains_are_two_pixels_wide_and_one_high() -> None:
    grain = speckle(np.random.default_rng(0), (300, 400), 2) - 1
    assert np.mean(grain[:, 1:] * grain[:, :-1]) / grain.var() == pytest.approx(0.5, abs=0.03)
    assert np.mean(grain[1:] * grain[:-1]) / grain.var() == pytest.approx(0, abs=0.03)


def test_smooth_noise_has_no_jumps_and_as_many_cells_as_asked() -> None:
    field = smooth_noise(np.random.default_rng(0), (200, 300), (5, 10))
    assert field.shape == (200, 300)
    assert field.std() > 0.3
    assert np.abs(np.diff(field, axis=0)).max() < 0.2
    bends = np.abs(np.diff(field[0], 2)) > 1e-4  # a straight line between grid points, which lie 30 pixels apart
    assert bends.sum() <= 20
