"""Imaging: speckle and noise have the statistics that are claimed, signals roll off, wedges are white."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from octlib.phantoms.devices import DEVICES
from octlib.phantoms.imaging import draw_wedges, expose, wedge_mask

EVEN = replace(DEVICES["spectralis"], rolloff=1e9)
SETTINGS = {"averaging": 1, "gain": 1.0, "haze": 1.0}


def scan_of(grey: float, device=EVEN, **changes: float) -> np.ndarray:
    painted = np.full((300, 300), grey, dtype=np.float32)
    return expose(np.random.default_rng(0), painted, device, **{**SETTINGS, **changes})


@pytest.mark.parametrize("grey", [0.3, 0.5, 0.7])
def test_a_layer_is_shown_at_its_grey(grey):
    assert scan_of(grey).mean() == pytest.approx(255 * grey, rel=0.06)
    assert scan_of(grey, gain=0.8).mean() == pytest.approx(0.8 * scan_of(grey).mean(), rel=0.02)


@pytest.mark.parametrize("name", DEVICES)
def test_an_empty_field_shows_noise_at_the_devices_floor_with_black_specks(name):
    empty = scan_of(0.0, replace(DEVICES[name], rolloff=1e9))
    assert empty.mean() == pytest.approx(255 * DEVICES[name].floor, rel=0.06)
    assert 0.1 < (empty < 5).mean() < 0.3


def test_averaging_takes_speckle_away_as_its_square_root():
    contrast = {n: (scan_of(0.6, averaging=n) / 255.0) ** 4 for n in (1, 4)}
    ratio = (contrast[1].std() / contrast[1].mean()) / (contrast[4].std() / contrast[4].mean())
    assert ratio == pytest.approx(2, rel=0.1)


def test_grain_is_wider_than_a_pixel_where_the_device_says_so():
    def correlation(device) -> float:
        scan = scan_of(0.5, device).astype(float) - scan_of(0.5, device).mean()
        return float((scan[:, 1:] * scan[:, :-1]).mean() / (scan**2).mean())

    assert correlation(EVEN) > 0.5
    assert abs(correlation(replace(EVEN, grain=False))) < 0.05


def test_signal_rolls_off_with_depth():
    scan = scan_of(0.5, replace(EVEN, rolloff=1920)).astype(float)
    rows = scan.mean(axis=1)
    # The whole depth takes a factor of e off the intensity, and its fourth root off the grey.
    assert rows[-20:].mean() / rows[:20].mean() == pytest.approx(np.exp(-0.25), rel=0.05)


def test_cloudy_media_dim_the_signal_and_not_the_noise():
    assert scan_of(0.5, haze=0.7).mean() < 0.8 * scan_of(0.5).mean()
    np.testing.assert_array_equal(scan_of(0.0, haze=0.7), scan_of(0.0))


@pytest.mark.parametrize("seed", range(10))
def test_wedges_touch_the_upper_and_lower_border_alone(seed):
    mask = wedge_mask((496, 512), draw_wedges(np.random.default_rng(seed), (496, 512)))
    assert not mask[200:260].any()
    assert mask.mean() < 0.3
    changes = np.abs(np.diff(mask.astype(int), axis=0)).sum(axis=0)
    assert changes.max() <= 2


def test_a_scan_that_was_not_moved_has_none():
    assert not wedge_mask((496, 512), (0.0, 496.0, 0.0)).any()
