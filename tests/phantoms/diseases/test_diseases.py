"""Diseases: each changes the layers that it changes in an eye, more so when it has gone far."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from octlib.phantoms import CLASS_NAMES
from octlib.phantoms.anatomy import LAYERS, draw_anatomy, draw_view, lateral
from octlib.phantoms.diseases import DISEASES
from octlib.phantoms.lesion import KINDS, Lesion

X = lateral(512, 6.0)
SEEDS = range(40)


def drawn(label: str, seed: int, severity: float | None = None) -> Lesion:
    rng = np.random.default_rng(seed)
    anatomy, view = draw_anatomy(rng), draw_view(rng)
    if severity is not None:
        anatomy = dataclasses.replace(anatomy, severity=severity)
    return DISEASES[label](rng, anatomy, view, X)


def pieces(present: np.ndarray) -> int:
    """Count the runs of neighbouring columns."""
    return int((np.diff(np.concatenate([[0], present.astype(int)])) == 1).sum())


def test_every_class_has_its_disease():
    assert set(DISEASES) == set(CLASS_NAMES)


@pytest.mark.parametrize("label", CLASS_NAMES)
def test_what_is_added_fits_the_layers_and_differs_between_scans(label):
    lesions = [drawn(label, seed) for seed in SEEDS]
    for lesion in lesions:
        assert {*lesion.added, *lesion.levels} <= set(LAYERS)
        assert all(added.shape == X.shape and np.isfinite(added).all() for added in lesion.added.values())
        assert all((np.asarray(level) > 0).all() for level in lesion.levels.values())
        assert {pocket.kind for pocket in lesion.pockets} | {lesion.sub} <= set(KINDS)
        assert np.min(lesion.transmission) > 0
    if label != "NORMAL":
        assert len({repr(lesion) for lesion in lesions}) == len(lesions)


def test_a_healthy_eye_has_nothing():
    assert drawn("NORMAL", 0) == Lesion()


def test_drusen_are_low_bumps_of_varied_size_under_the_rpe():
    for seed in SEEDS:
        lesion = drawn("DRUSEN", seed)
        assert lesion.sub == "drusen"
        assert 15 < lesion.added["sub"].max() < 200
        assert 0.01 < (lesion.added["sub"] > 1).mean() < 0.7
        assert not lesion.pockets
    assert np.mean([pieces(drawn("DRUSEN", seed).added["sub"] > 1) for seed in SEEDS]) > 2


def test_cnv_lifts_the_rpe_or_puts_material_above_it():
    lesions = [drawn("CNV", seed) for seed in SEEDS]
    for lesion in lesions:
        assert max(lesion.added["sub"].max(), lesion.added["SHRM"].max()) > 20
        assert lesion.sub == "PED"
    shares = {name: np.mean([lesion.added[name].any() for lesion in lesions]) for name in ("sub", "SHRM", "SRF")}
    assert all(0.3 < share < 1 for share in shares.values()), shares
    assert {lesion.details["filled"] for lesion in lesions} == {0.0, 1.0}
    assert 0 < np.mean([bool(lesion.pockets) for lesion in lesions]) < 0.6


def test_dme_swells_the_retina_and_fills_it_with_cysts_that_do_not_overlap():
    for seed in SEEDS:
        lesion = drawn("DME", seed)
        cysts = [pocket for pocket in lesion.pockets if pocket.kind == "IRF"]
        assert lesion.added["ONL"].max() > 10
        assert "sub" not in lesion.added
        for layer in {cyst.layer for cyst in cysts}:
            row = sorted((cyst for cyst in cysts if cyst.layer == layer), key=lambda cyst: cyst.x)
            assert all(left.x + left.half_width <= right.x - right.half_width for left, right in pairwise(row))
        assert cysts
    kinds = {pocket.kind for seed in SEEDS for pocket in drawn("DME", seed).pockets}
    assert kinds == {"IRF", "exudates"}


@pytest.mark.parametrize("label", ["CNV", "DME", "DRUSEN"])
def test_severity_makes_lesions_larger(label):
    def size(severity: float) -> float:
        lesions = [drawn(label, seed, severity) for seed in SEEDS]
        added = [sum(np.clip(each, 0, None).sum() for each in lesion.added.values()) for lesion in lesions]
        return float(np.mean(added))

    sizes = [size(severity) for severity in (0.1, 0.5, 1.0)]
    assert sizes[0] < 0.8 * sizes[1] < 0.8 * sizes[2]
