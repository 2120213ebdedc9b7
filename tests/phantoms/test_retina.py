"""Retina: lesions lift what lies above them, the inner retina evens out narrow bumps, masks say where lesions are."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.phantoms.anatomy import LAYERS, SURFACES, View, draw_anatomy, lateral
from octlib.phantoms.lesion import Lesion, dome
from octlib.phantoms.retina import layer_masks, retina_surfaces

X = lateral(512, 6.0)
VIEW = View(fovea=0.0, pit=0.0, depth=0.5, tilt=0.0)


def surfaces_with(lesion: Lesion) -> np.ndarray:
    anatomy = draw_anatomy(np.random.default_rng(1))
    return retina_surfaces(np.random.default_rng(2), anatomy, VIEW, X, lesion, 1920.0)


def lift(half_width: float) -> tuple[float, float]:
    """Say how far a deposit of 60 micrometres lifts the RPE and the surface of the retina, at most."""
    moved = surfaces_with(Lesion()) - surfaces_with(Lesion(added={"sub": 60 * dome(X, 0.0, half_width)}))
    return float(moved[LAYERS.index("RPE")].max()), float(moved[0].max())


def test_the_inner_retina_follows_wide_bumps_and_evens_out_narrow_ones():
    narrow, wide = lift(0.15), lift(2.0)
    assert narrow[0] == pytest.approx(60, abs=1)
    assert wide[0] == pytest.approx(60, abs=1)
    assert narrow[1] < 30
    assert wide[1] > 50


def test_a_layer_that_gives_way_never_vanishes():
    surfaces = surfaces_with(Lesion(added={"ONL": np.full(512, -1e4)}))
    index = LAYERS.index("ONL")
    assert (surfaces[index + 1] - surfaces[index]).min() > 5
    assert (np.diff(surfaces[: SURFACES.index("BM") + 1], axis=0) >= 0).all()


def test_masks_hold_what_is_absent_in_health_by_kind():
    lesion = Lesion(added={"sub": 80 * dome(X, -1.0, 0.5), "SRF": 60 * dome(X, 1.0, 0.5)}, sub="PED")
    surfaces = surfaces_with(lesion) / 1920 * 496
    masks = layer_masks(surfaces, 496, lesion)
    assert set(masks) == {"PED", "SRF"}
    assert (np.abs(X[np.nonzero(masks["PED"])[1]] + 1) < 0.5).all()
    # A micrometre is 496 / 1920 rows, and the columns are 6 / 512 millimetres wide.
    assert masks["PED"].sum() == pytest.approx(lesion.added["sub"].sum() * 496 / 1920, rel=0.05)
    assert layer_masks(surfaces_with(Lesion()), 496, Lesion()) == {}
