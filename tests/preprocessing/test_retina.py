"""Retina: both borders are found where they were drawn, and nothing is found where there is no retina."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octlib.phantoms import Phantom, make_phantoms
from octlib.preprocessing import blank_wedges, find_retina, read_scan


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    """Give phantoms of every class."""
    return list(make_phantoms(12, seed=5))


def test_borders_lie_where_they_were_drawn(phantoms: list[Phantom]) -> None:
    away, bent = [], []
    for phantom in phantoms:
        retina = find_retina(blank_wedges(phantom.image))
        assert retina is not None, phantom
        height, width = phantom.image.shape
        assert retina.upper.shape == retina.lower.shape == retina.curve.shape == (width,)
        away.append(np.quantile(np.abs(retina.upper - phantom.boundaries["top of ILM"]), 0.95) / height)
        # The RPE of a healthy eye follows the membrane; that of others is lifted here and there, and the curve less.
        shape = np.ptp(retina.curve - phantom.boundaries["BM"]) / height
        bent.append(shape / (0.02 if phantom.label == "NORMAL" else 0.15))
    assert np.median(away) < 0.01
    assert np.mean(np.array(away) < 0.035) > 0.95
    assert np.mean(np.array(bent) < 1) > 0.95


def test_greys_are_those_of_vitreous_and_retina(phantoms: list[Phantom]) -> None:
    for phantom in phantoms[:8]:
        scan = blank_wedges(phantom.image)
        retina = find_retina(scan)
        assert retina is not None
        rows = np.arange(len(scan))[:, None]
        upper, lower = phantom.boundaries["top of ILM"], phantom.boundaries["top of RPE"]
        assert retina.tissue == pytest.approx(scan[(rows > upper) & (rows < lower)].mean(), rel=0.15)
        assert retina.vitreous <= scan[(rows < upper - 10) & (scan > 0)].mean()


def test_a_cyst_that_rises_above_the_border_is_part_of_the_retina() -> None:
    scan = np.full((496, 512), 20, np.uint8)
    scan[250:310], scan[310:330] = 90, 180
    scan[140:250, 240:272] = 90
    retina = find_retina(scan)
    assert retina is not None
    assert 132 <= retina.top <= 148


def test_a_scan_that_shows_little_but_retina_is_read_as_a_whole_one_is(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        scan = blank_wedges(phantom.image)
        whole = find_retina(scan)
        assert whole is not None
        top = max(int(whole.top - 0.3 * whole.thickness), 0)
        cut = find_retina(scan[top : int(whole.lower.max() + 0.8 * whole.thickness)])
        assert cut is not None, phantom
        assert np.median(np.abs(cut.upper + top - whole.upper)) < 0.02 * len(scan), phantom


def test_real_scans_have_one(kermany: Path) -> None:
    files = sorted(kermany.glob("*/*.jpeg"))[::10]
    found = [find_retina(blank_wedges(read_scan(file))) for file in files]
    assert sum(each is None for each in found) <= 0.02 * len(files)


@settings(max_examples=60)
@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    kind=st.sampled_from(["even", "uniform", "gamma", "normal", "three greys"]),
    seed=st.integers(0, 2**16),
)
def test_noise_and_blank_scans_have_none(height: int, width: int, kind: str, seed: int) -> None:
    rng, size = np.random.default_rng(seed), (height, width)
    values = {
        "even": np.full(size, seed % 256),
        "uniform": rng.integers(0, 256, size),
        "gamma": rng.gamma(2, 15, size),
        "normal": rng.normal(100, 30, size),
        "three greys": rng.choice([0, 40, 255], size),
    }[kind]
    assert find_retina(values.clip(0, 255).astype(np.uint8)) is None
