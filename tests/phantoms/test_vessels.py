"""Vessels: they lie in the inner retina, away from the fovea, and dim what is below them."""

from __future__ import annotations

import numpy as np

from octlib.phantoms.anatomy import SURFACES, View, lateral
from octlib.phantoms.vessels import AVASCULAR, paint_vessels

X = lateral(512, 6.0)
BORDERS = np.repeat(np.linspace(120, 300, len(SURFACES))[:, None], 512, axis=1)
PIXEL = (3.9, 11.7)


def painted_with(seed: int) -> tuple[np.ndarray, int]:
    painted = np.full((496, 512), 0.3, dtype=np.float32)
    number = paint_vessels(np.random.default_rng(seed), painted, BORDERS, View(0.0, 1.0, 0.5, 0.0), X, PIXEL)
    return painted, number


def test_vessels_brighten_the_inner_retina_and_dim_everything_below():
    for seed in range(10):
        painted, number = painted_with(seed)
        assert number >= 2
        bright = np.nonzero(painted > 0.301)[0]
        assert bright.size
        assert bright.min() > 100
        assert bright.max() < 180
        assert painted[-1].min() < 0.29
        assert (painted[:100] == np.float32(0.3)).all()


def test_the_fovea_has_none():
    middle = np.abs(X) < 0.8 * AVASCULAR
    assert all((painted_with(seed)[0][:, middle] > 0.299).all() for seed in range(20))
