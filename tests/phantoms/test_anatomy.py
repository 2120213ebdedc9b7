"""Anatomy: layers lie in their order, the pit is a pit, patients differ, and the old have thinner retinas."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from octlib.phantoms.anatomy import (
    IN_THE_PIT,
    LAYERS,
    SURFACES,
    TYPICAL,
    Anatomy,
    View,
    draw_anatomy,
    draw_view,
    healthy_layers,
    lateral,
    surfaces_of,
)

X = lateral(512, 6.0)
STILL = np.zeros(512)
CENTRAL = View(fovea=0.0, pit=1.0, depth=0.5, tilt=0.0)
ABSENT = ("SRF", "SHRM", "sub")


def patients(n: int = 20) -> list[Anatomy]:
    return [draw_anatomy(np.random.default_rng(seed)) for seed in range(n)]


@pytest.mark.parametrize("seed", range(20))
def test_layers_lie_in_their_order_within_the_scan(seed):
    rng = np.random.default_rng(seed)
    anatomy, view = draw_anatomy(rng), draw_view(rng)
    surfaces = surfaces_of(anatomy, view, X, healthy_layers(anatomy, view, X), depth=1920, wobble=STILL)
    assert surfaces.shape == (len(SURFACES), 512)
    assert (np.diff(surfaces, axis=0) >= 0).all()
    assert surfaces[0].min() > 0
    assert surfaces[SURFACES.index("BM")].max() < 1920


def test_a_retina_that_would_leave_the_scan_is_moved_into_it():
    anatomy = patients(1)[0]
    layers = healthy_layers(anatomy, CENTRAL, X)
    for depth in (0.02, 0.99):
        view = dataclasses.replace(CENTRAL, depth=depth)
        surfaces = surfaces_of(anatomy, view, X, layers, depth=1920, wobble=STILL)
        assert surfaces[0].min() >= 39
        assert surfaces[SURFACES.index("BM")].max() < 1920


def test_columns_lie_evenly_about_the_middle():
    np.testing.assert_allclose(lateral(4, 6.0), [-2.25, -0.75, 0.75, 2.25])


def test_the_fovea_is_a_pit_in_the_inner_layers_where_the_view_says():
    for anatomy in patients():
        for fovea in (-0.5, 0.4):
            layers = healthy_layers(anatomy, dataclasses.replace(CENTRAL, fovea=fovea), X)
            assert abs(X[layers["INL"].argmin()] - fovea) < 0.02
            total = sum(layers.values())
            at_fovea = total[np.abs(X - fovea).argmin()]
            around = total[np.abs(np.abs(X - fovea) - 1.5).argmin()]
            assert 0.45 < at_fovea / around < 0.85


def test_a_cut_beside_the_fovea_has_a_shallower_pit():
    anatomy = patients()[0]
    inner = [healthy_layers(anatomy, dataclasses.replace(CENTRAL, pit=pit), X)["INL"].min() for pit in (1, 0.5, 0)]
    assert inner == sorted(inner)
    assert inner[0] < 0.4 * inner[2]


def test_a_retina_is_as_thick_as_a_human_one():
    thickness = [sum(healthy_layers(anatomy, CENTRAL, X).values()).mean() for anatomy in patients()]
    assert 240 < np.mean(thickness) < 340
    assert np.std(thickness) > 5


def test_inner_layers_and_choroid_get_thinner_with_age():
    drawn = patients(300)
    old, young = ([each for each in drawn if (each.age > 65) == is_old] for is_old in (True, False))
    inner = [index for index, name in enumerate(TYPICAL) if name in IN_THE_PIT]
    thickness = [np.mean([np.array(each.thickness)[inner].sum() for each in group]) for group in (old, young)]
    assert thickness[0] < 0.98 * thickness[1]
    assert np.mean([each.choroid for each in old]) < np.mean([each.choroid for each in young])


def test_what_is_absent_in_health_is_absent():
    layers = healthy_layers(patients()[0], CENTRAL, X)
    assert not any(layers[name].any() for name in ABSENT)
    assert all(layers[name].all() for name in LAYERS if name not in ABSENT)


def test_bruchs_membrane_follows_depth_and_tilt():
    anatomy = dataclasses.replace(patients()[0], bowl=0.0)
    view = dataclasses.replace(CENTRAL, tilt=50.0)
    surfaces = surfaces_of(anatomy, view, X, healthy_layers(anatomy, view, X), depth=1920, wobble=STILL)
    np.testing.assert_allclose(surfaces[SURFACES.index("BM")], 960 + 50 * X)
