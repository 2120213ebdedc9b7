"""Anatomy: layers lie in their order, the pit is a pit, and patients differ."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from octlib.phantoms.anatomy import (
    LAYERS,
    Anatomy,
    View,
    boundaries,
    draw_anatomy,
    draw_view,
    healthy_layers,
    lateral,
)

X = lateral(512)
CENTRAL = View(fovea=0.0, pit=1.0, depth=1100.0, tilt=0.0)


def patients(n: int = 20) -> list[Anatomy]:
    return [draw_anatomy(np.random.default_rng(seed)) for seed in range(n)]


@pytest.mark.parametrize("seed", range(10))
def test_layers_lie_in_their_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    anatomy, view = draw_anatomy(rng), draw_view(rng)
    surfaces = boundaries(anatomy, view, X, healthy_layers(anatomy, view, X))
    assert surfaces.shape == (len(LAYERS) + 1, 512)
    assert (np.diff(surfaces, axis=0) >= 0).all()
    assert surfaces.min() > 0
    assert surfaces.max() < 1900


def test_columns_lie_evenly_about_the_middle() -> None:
    np.testing.assert_allclose(lateral(4), [-2.25, -0.75, 0.75, 2.25])


def test_the_fovea_is_a_pit_in_the_inner_layers_where_the_view_says() -> None:
    for anatomy in patients():
        for fovea in (-0.5, 0.4):
            layers = healthy_layers(anatomy, dataclasses.replace(CENTRAL, fovea=fovea), X)
            assert abs(X[layers["INL"].argmin()] - fovea) < 0.02
            total = sum(layers.values())
            at_fovea = total[np.abs(X - fovea).argmin()]
            around = total[np.abs(np.abs(X - fovea) - 1.5).argmin()]
            assert 0.45 < at_fovea / around < 0.85


def test_a_cut_beside_the_fovea_has_a_shallower_pit() -> None:
    anatomy = patients()[0]
    inner = [healthy_layers(anatomy, dataclasses.replace(CENTRAL, pit=pit), X)["INL"].min() for pit in (1, 0.5, 0)]
    assert inner == sorted(inner)
    assert inner[0] < 0.4 * inner[2]


def test_a_retina_is_as_thick_as_a_human_one() -> None:
    thickness = [sum(healthy_layers(anatomy, CENTRAL, X).values()).mean() for anatomy in patients()]
    assert 240 < np.mean(thickness) < 340
    assert np.std(thickness) > 5


def test_what_is_absent_in_health_is_absent() -> None:
    layers = healthy_layers(patients()[0], CENTRAL, X)
    assert not any(layers[name].any() for name in ("fluid", "material", "deposit"))
    assert all(layers[name].all() for name in LAYERS if name not in ("fluid", "material", "deposit"))


def test_bruchs_membrane_follows_depth_and_tilt() -> None:
    anatomy = dataclasses.replace(patients()[0], bowl=0.0)
    view = dataclasses.replace(CENTRAL, tilt=50.0)
    membrane = boundaries(anatomy, view, X, healthy_layers(anatomy, view, X))[-1]
    np.testing.assert_allclose(membrane, 1100 + 50 * X)
