"""Augmentation: what moves where, what never happens, and whose random numbers decide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octlib.training import augmentation
from octlib.training.augmentation import augment_scans

HEIGHT, WIDTH = 60, 100
PLACE = ("MAX_DEGREES", "MAX_SHIFT", "MAX_SCALE", "MAX_ZOOM", "MAX_RETREAT")
GREYS = ("MAX_GAMMA", "MAX_BRIGHTNESS", "MAX_CONTRAST", "MAX_SHADING", "MAX_SHARPNESS", "MAX_SPECKLE")
CONSTANTS = (*PLACE, *GREYS)


class Extreme:
    """Draws the upper limit each time."""

    def __init__(self, flip=1.0):
        self.flip = flip

    def uniform(self, low, high, size=None):
        return high if size is None else np.full(size, high)

    def random(self):
        return 0.0

    def standard_normal(self, shape, dtype):
        return np.ones(shape, dtype)

    def choice(self, values):
        assert sorted(values) == [-1, 1]
        return self.flip


@pytest.fixture
def still(monkeypatch):
    """Switch all changes off but the flip, and show all scans as another device; a function switches one on."""
    limits = {name: getattr(augmentation, name) for name in (*CONSTANTS, "OTHER_DEVICE")}
    monkeypatch.setattr(augmentation, "OTHER_DEVICE", 1.0)
    for name in CONSTANTS:
        monkeypatch.setattr(augmentation, name, 0.0)

    def switch_on(*names):
        for name in names:
            monkeypatch.setattr(augmentation, name, limits[name])

    return switch_on


def noise(n=1, height=HEIGHT, width=WIDTH, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width), dtype=np.uint8)


@given(st.integers(1, 4), st.integers(8, 40), st.integers(8, 40), st.integers(0, 2**32))
def test_shape_type_and_determinism(n, height, width, seed):
    scans = noise(n, height, width)
    before = scans.copy()
    result = augment_scans(scans, np.random.default_rng(seed))
    assert result.shape == scans.shape
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, augment_scans(scans, np.random.default_rng(seed)))
    np.testing.assert_array_equal(scans, before)


def test_another_seed_and_another_scan_are_changed_differently():
    scan = noise()
    one, other = (augment_scans(scan, np.random.default_rng(seed)) for seed in (0, 1))
    assert (one != other).any()
    twice = augment_scans(np.repeat(scan, 2, axis=0), np.random.default_rng(0))
    assert (twice[0] != twice[1]).any()


@pytest.mark.usefixtures("still")
def test_without_changes_a_scan_comes_back_as_it_is_or_mirrored():
    scan = noise()[0]
    results = augment_scans(np.repeat(scan[None], 40, axis=0), np.random.default_rng(0))
    same = [np.array_equal(result, scan) for result in results]
    mirrored = [np.array_equal(result, scan[:, ::-1]) for result in results]
    assert all(one or other for one, other in zip(same, mirrored, strict=True))
    assert 8 <= sum(same) <= 32


def test_never_upside_down(still):
    still("MAX_DEGREES", "MAX_SHIFT", "MAX_SCALE", *GREYS)  # without a zoom, which would leave the dark half out
    scans = np.zeros((60, HEIGHT, WIDTH), np.uint8)
    scans[:, : HEIGHT // 2] = 200
    results = augment_scans(scans, np.random.default_rng(0)).astype(float)
    assert (results[:, : HEIGHT // 2].mean((1, 2)) > results[:, HEIGHT // 2 :].mean((1, 2)) + 50).all()


@pytest.mark.parametrize("flip", [1.0, -1.0])
@pytest.mark.parametrize(
    "active", [("MAX_DEGREES",), ("MAX_SHIFT",), ("MAX_SCALE",), ("MAX_DEGREES", "MAX_SHIFT", "MAX_SCALE")]
)
def test_a_marker_moves_where_it_should(still, flip, active):
    still(*active)
    degrees, shift, scale, *_ = (getattr(augmentation, name) for name in PLACE)
    marker = np.array([70.5, 20.5])  # x and y of the middle of pixel (20, 70)
    scan = np.zeros((HEIGHT, WIDTH), np.uint8)
    scan[18:23, 68:73] = 200
    moved = augment_scans(scan[None], Extreme(flip))[0].astype(float)
    rows, columns = np.indices(moved.shape)
    found = np.array([(columns * moved).sum(), (rows * moved).sum()]) / moved.sum() + 0.5

    centre = np.array([WIDTH, HEIGHT]) / 2
    angle = math.radians(degrees)
    back = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]) / (1 + scale)
    away = marker - centre - np.array([WIDTH, HEIGHT]) * shift
    away[0] *= flip
    np.testing.assert_allclose(found, centre + back @ away, atol=0.3)


def test_what_comes_into_the_frame_is_black(still):
    still("MAX_SHIFT")
    moved = augment_scans(np.full((1, HEIGHT, WIDTH), 180, np.uint8), Extreme())[0]
    np.testing.assert_array_equal(moved[: HEIGHT - 7, : WIDTH - 11], 180)
    np.testing.assert_array_equal(moved[HEIGHT - 5 :], 0)
    np.testing.assert_array_equal(moved[:, WIDTH - 9 :], 0)


def test_the_frame_comes_as_close_as_the_bright_rows(still):
    still("MAX_ZOOM")
    scans = np.full((2, HEIGHT, WIDTH), 20, np.uint8)
    scans[0, 8:18] = 150
    scans[1, 35:50] = 150
    closest = augment_scans(scans, Extreme())
    np.testing.assert_array_equal(closest[:, 3:-3], 150)
    drawn = augment_scans(np.repeat(scans[:1], 100, axis=0), np.random.default_rng(0))
    shares = (drawn == 150).mean(axis=(1, 2))
    assert shares.min() < 0.25
    assert shares.max() > 0.8


def test_the_frame_goes_further_away(still):
    still("MAX_RETREAT")
    scan = np.full((HEIGHT, WIDTH), 100, np.uint8)
    scan[25:35] = 150
    drawn = augment_scans(np.repeat(scan[None], 40, axis=0), np.random.default_rng(0))
    rows = (drawn > 0).any(axis=2).sum(axis=1)
    assert rows.min() < 0.9 * HEIGHT
    assert (drawn[:, 25:35] > 120).any(axis=2).any(axis=1).all()


def test_a_bright_line_does_not_fill_the_picture(still):
    still("MAX_ZOOM")
    scan = np.full((1, HEIGHT, WIDTH), 20, np.uint8)
    scan[:, 30] = 200
    bright = (augment_scans(scan, Extreme())[0] > 100).mean(axis=0)
    np.testing.assert_allclose(bright, 1 / (HEIGHT * augmentation.LOWEST_FRAME), atol=0.05)


def test_the_frame_of_a_scan_without_bright_rows_is_the_scan(still):
    still("MAX_ZOOM")
    for scan in (np.zeros((1, HEIGHT, WIDTH), np.uint8), np.full((1, HEIGHT, WIDTH), 90, np.uint8)):
        np.testing.assert_array_equal(augment_scans(scan, Extreme()), scan)


def test_height_and_width_are_stretched_apart(still):
    still("MAX_SCALE")
    scan = np.zeros((HEIGHT, WIDTH), np.uint8)
    scan[20:40, 40:60] = 200
    drawn = augment_scans(np.repeat(scan[None], 40, axis=0), np.random.default_rng(0)) > 100
    ratio = drawn.any(axis=2).sum(axis=1) / drawn.any(axis=1).sum(axis=1)
    assert ratio.min() < 0.95
    assert ratio.max() > 1.05


def test_gamma_bends_greys_and_keeps_black_and_white(still):
    still("MAX_GAMMA")
    scan = np.zeros((8, 9), np.uint8)
    scan[:, 3:6], scan[:, 6:] = 100, 255
    exponent = math.exp(augmentation.MAX_GAMMA)
    bent = augment_scans(scan[None], Extreme())[0, 4]
    np.testing.assert_array_equal(bent[[1, 4, 7]], [0, round(255 * (100 / 255) ** exponent), 255])


def test_half_of_the_scans_are_those_of_another_device(still):
    still("OTHER_DEVICE", "MAX_ZOOM", "MAX_GAMMA", "MAX_SHADING", "MAX_SHARPNESS")
    scan = np.full((HEIGHT, WIDTH), 20, np.uint8)
    scan[20:40] = 100
    changed = (augment_scans(np.repeat(scan[None], 200, axis=0), np.random.default_rng(0)) != scan).any(axis=(1, 2))
    assert 80 <= changed.sum() <= 120


def test_shading_leaves_the_middle_alone(still):
    still("MAX_SHADING")
    shaded = augment_scans(np.full((1, 61, 61), 100, np.uint8), Extreme())[0].astype(int)
    slope = augmentation.MAX_SHADING
    assert shaded[30, 30] == 100
    np.testing.assert_allclose(shaded[30, [0, -1]], 100 * np.array([1 - slope, 1 + slope]), atol=1)
    np.testing.assert_allclose(shaded[[0, -1], 30], 100 * np.array([1 - slope, 1 + slope]), atol=1)


def test_some_scans_are_smoothed_and_some_sharpened(still):
    still("MAX_SHARPNESS")
    grains = noise(seed=1) // 4 + 96
    drawn = augment_scans(np.repeat(grains, 40, axis=0), np.random.default_rng(0)).astype(float)
    np.testing.assert_allclose(drawn.mean(axis=(1, 2)), grains.mean(), atol=1)
    spread = drawn.std(axis=(1, 2)) / grains.std()
    assert spread.min() < 0.6
    assert spread.max() > 1.4


def test_brightness_saturates(still):
    still("MAX_BRIGHTNESS")
    scans = np.full((2, 8, 8), 100, np.uint8)
    scans[1] = 250
    bright = augment_scans(scans, Extreme())
    np.testing.assert_array_equal(bright[0], round(100 * (1 + augmentation.MAX_BRIGHTNESS)))
    np.testing.assert_array_equal(bright[1], 255)


def test_contrast_spreads_about_the_mean(still):
    still("MAX_CONTRAST")
    scan = np.full((8, 8), 100, np.uint8)
    scan[:4] = 60
    np.testing.assert_array_equal(np.unique(augment_scans(scan[None], Extreme())), [56, 104])


def test_speckle_is_stronger_where_the_scan_is_brighter(still):
    still("MAX_SPECKLE")
    scan = np.full((80, 80), 20, np.uint8)
    scan[40:] = 120
    speckled = np.stack([augment_scans(scan[None], np.random.default_rng(seed))[0] for seed in range(8)]).astype(float)
    dark, bright = speckled[:, :40].std(), speckled[:, 40:].std()
    assert 1 < dark < 3
    assert 4.5 < bright / dark < 7.5
    np.testing.assert_allclose(speckled[:, 40:].mean(), 120, atol=1.5)


def test_grains_of_speckle_are_fine_in_some_scans_and_coarse_in_others(still):
    still("MAX_SPECKLE")
    speckled = augment_scans(np.full((40, 80, 80), 120, np.uint8), np.random.default_rng(0)).astype(float) - 120
    speckled = speckled[speckled.std(axis=(1, 2)) > 2]  # not those that got next to nothing
    for axis in (1, 2):
        neighbours = (speckled * np.roll(speckled, 1, axis)).sum(axis=(1, 2)) / (speckled**2).sum(axis=(1, 2))
        assert neighbours.min() < 0.5
        assert neighbours.max() > 0.75
