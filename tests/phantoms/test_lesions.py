"""Lesions: each disease changes the layers that it changes in an eye, and no others."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from octlib.phantoms import CLASS_NAMES
from octlib.phantoms.anatomy import LAYERS, draw_anatomy, draw_view, lateral
from octlib.phantoms.lesions import DISEASES, Lesion, dome

X = lateral(512)
SEEDS = range(25)


def drawn(label: str, seed: int) -> Lesion:
    rng = np.random.default_rng(seed)
    return DISEASES[label](rng, draw_anatomy(rng), draw_view(rng), X)


def pieces(present: np.ndarray) -> int:
    """Count the runs of neighbouring columns."""
    return int((np.diff(np.concatenate([[0], present.astype(int)])) == 1).sum())


def test_every_class_has_its_disease() -> None:
    assert set(DISEASES) == set(CLASS_NAMES)


def test_a_dome_ends_exactly() -> None:
    bump = dome(X, 0.5, 1.0)
    assert not bump[np.abs(X - 0.5) >= 1].any()
    assert bump.max() == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("label", CLASS_NAMES)
def test_what_is_added_fits_the_layers_and_differs_between_scans(label: str) -> None:
    lesions = [drawn(label, seed) for seed in SEEDS]
    for lesion in lesions:
        assert set(lesion.added) <= set(LAYERS)
        assert all(added.shape == X.shape and np.isfinite(added).all() for added in lesion.added.values())
        assert all(cyst.layer in ("INL", "ONL") and 0 < cyst.share < 1 and abs(cyst.x) < 3 for cyst in lesion.cysts)
    if label != "NORMAL":
        assert len({repr(lesion) for lesion in lesions}) == len(lesions)


def test_drusen_are_several_low_bumps_of_varied_size() -> None:
    for seed in SEEDS:
        deposit = drawn("DRUSEN", seed).added["deposit"]
        assert 50 < deposit.max() < 140
        assert 0.03 < (deposit > 0).mean() < 0.6
    assert np.mean([pieces(drawn("DRUSEN", seed).added["deposit"] > 0) for seed in SEEDS]) > 3


def test_cnv_is_one_large_mass_with_fluid_beside_it() -> None:
    for seed in SEEDS:
        added = drawn("CNV", seed).added
        mass, fluid = added["deposit"], added["fluid"]
        assert pieces(mass > 0) == 1
        assert 60 < mass.max() < 460
        assert 1.2 < (mass > 0).mean() * 6 < 3.6  # millimetres
        assert fluid.max() > 40
        assert abs(X[fluid.argmax()] - X[mass > 0].mean()) > 0.4


def test_dme_swells_the_retina_and_fills_it_with_cysts() -> None:
    for seed in SEEDS:
        lesion = drawn("DME", seed)
        assert len(lesion.cysts) >= 3
        assert lesion.added["ONL"].max() > 30
        assert "deposit" not in lesion.added
        for layer in ("INL", "ONL"):  # side by side, never over one another
            row = sorted((cyst.x, cyst.half_width) for cyst in lesion.cysts if cyst.layer == layer)
            assert all(b - a > half_a + half_b for (a, half_a), (b, half_b) in pairwise(row))


def test_a_healthy_retina_has_no_lesion() -> None:
    assert drawn("NORMAL", 0) == Lesion()
