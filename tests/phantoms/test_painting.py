"""Painting: layers have their order of brightness, borders are where surfaces are, shadows fall downwards."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.phantoms.anatomy import LAYERS, SURFACES, View, draw_anatomy, healthy_layers, lateral, surfaces_of
from octlib.phantoms.lesion import Lesion
from octlib.phantoms.painting import GREY, paint_layers, paint_shadows, paint_texture

HEIGHT, WIDTH = 496, 512
X = lateral(WIDTH, 6.0)


def surfaces() -> np.ndarray:
    anatomy = draw_anatomy(np.random.default_rng(3))
    view = View(fovea=0.0, pit=0.0, depth=0.5, tilt=20.0)
    layers = healthy_layers(anatomy, view, X)
    return surfaces_of(anatomy, view, X, layers, depth=1920, wobble=np.zeros(WIDTH)) / 1920 * HEIGHT


def test_the_middle_of_every_layer_has_its_grey():
    borders = surfaces()
    painted = paint_layers(borders, HEIGHT, Lesion())
    assert (painted.shape, painted.dtype) == ((HEIGHT, WIDTH), np.float32)
    for index, name in enumerate(LAYERS):
        top, bottom = borders[index], borders[index + 1]
        wide = np.flatnonzero(bottom - top > 3)
        rows = ((top + bottom) / 2).astype(int)
        np.testing.assert_allclose(painted[rows[wide], wide], GREY[name], atol=1e-5)
    assert not painted[0].any()


def test_a_border_between_two_rows_is_shared_by_them():
    borders = np.repeat(np.linspace(10.25, 60.25, len(SURFACES))[:, None], 8, axis=1)
    painted = paint_layers(borders, 80, Lesion())
    assert painted[9, 0] == 0
    assert painted[10, 0] == pytest.approx(0.75 * GREY["ILM"])


def test_a_layer_beyond_the_border_costs_nothing_but_itself():
    borders = surfaces() + 300
    painted = paint_layers(borders, HEIGHT, Lesion())
    assert np.isfinite(painted).all()
    np.testing.assert_allclose(painted[:190], paint_layers(surfaces() + 310, HEIGHT, Lesion())[:190], atol=0.8)


def test_a_lesion_changes_the_grey_of_its_layer_in_its_columns():
    dim = np.where(X > 0, 0.5, 1.0)
    borders = surfaces()
    painted = paint_layers(borders, HEIGHT, Lesion(levels={"ONL": dim}))
    index = LAYERS.index("ONL")
    rows = ((borders[index] + borders[index + 1]) / 2).astype(int)
    np.testing.assert_allclose(painted[rows, np.arange(WIDTH)], GREY["ONL"] * dim, atol=1e-5)


def test_texture_varies_the_retina_faintly_and_leaves_the_vitreous_dark():
    borders = surfaces()
    painted = paint_layers(borders, HEIGHT, Lesion())
    even = painted.copy()
    paint_texture(np.random.default_rng(0), painted, 6.0)
    assert not painted[: int(borders[0].min())].any()
    retina = even > 0
    change = painted[retina] / even[retina]
    assert 0.02 < change.std() < 0.1
    assert change.mean() == pytest.approx(1, abs=0.02)


def test_a_shadow_lies_below_bruchs_membrane_alone():
    borders = surfaces()
    painted = paint_layers(borders, HEIGHT, Lesion())
    before = painted.copy()
    paint_shadows(painted, borders, Lesion(transmission=np.where(X > 1, 0.5, 1.0)))
    rows = np.arange(HEIGHT)[:, None]
    below = (rows > borders[SURFACES.index("BM")]) & (X > 1)
    np.testing.assert_allclose(painted[below], 0.5 * before[below])
    np.testing.assert_array_equal(painted[~below], before[~below])
