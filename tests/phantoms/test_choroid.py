"""Choroid: it has vessels, its light fades, and everything above it stays as it is."""

from __future__ import annotations

import numpy as np

from octlib.phantoms.anatomy import SURFACES
from octlib.phantoms.choroid import paint_choroid

BORDERS = np.repeat(np.linspace(100, 250, len(SURFACES))[:, None], 512, axis=1)
BORDERS[-1] = 330


def painted_with(borders: np.ndarray) -> np.ndarray:
    painted = np.full((496, 512), 0.4, dtype=np.float32)
    paint_choroid(np.random.default_rng(0), painted, borders, 6.0)
    return painted


def test_the_choroid_has_vessels_and_fades_and_the_retina_stays():
    painted = painted_with(BORDERS)
    membrane = int(BORDERS[SURFACES.index("BM"), 0])
    assert (painted[: membrane + 1] == np.float32(0.4)).all()
    assert painted[membrane + 15].std() / painted[membrane + 15].mean() > 0.08
    assert painted[-20:].mean() < 0.5 * painted[membrane + 10].mean()
    assert (painted >= 0).all()


def test_a_choroid_beyond_the_lower_border_costs_nothing():
    assert (painted_with(BORDERS + 400) == np.float32(0.4)).all()
