"""Lesion: its shapes end where they should and have no kinks."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.phantoms.anatomy import lateral
from octlib.phantoms.lesion import dome, waves

X = lateral(512, 6.0)


def test_a_dome_ends_exactly():
    bump = dome(X, 0.5, 1.0)
    assert not bump[np.abs(X - 0.5) >= 1].any()
    assert bump.max() == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("cells", [1, 7, 60])
def test_waves_are_smooth_and_as_fine_as_asked(cells):
    curve = waves(np.random.default_rng(0), X, cells)
    assert curve.shape == X.shape
    assert np.abs(curve).max() < 5
    # Each cell holds a half wave at most: no more turns than knots.
    assert (np.diff(np.sign(np.diff(curve))) != 0).sum() <= cells + 1
    assert np.abs(np.diff(curve)).max() < 1.6 * cells * 6 / 512
