"""Pointing: hits are hits, misses are misses, and chance is what random points reach."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

import octlib
from octlib.explanation import pointing_game
from octlib.preprocessing import Preprocessing


@pytest.fixture(scope="module")
def sick() -> octlib.OctDataset:
    """Give a few phantoms of every class."""
    return octlib.load_oct_dataset("phantoms").sample(8)


def explanation_of(scans: octlib.OctDataset, heatmaps: np.ndarray) -> octlib.Explanation:
    names = ("CNV",) * len(scans)
    return octlib.Explanation(heatmaps.astype(np.float32), names, names, scans, "gradcam", None)


def single_points(scans: octlib.OctDataset, inside: bool) -> np.ndarray:
    """Give maps at half size that are high in one point, well inside the lesion or far from it."""
    maps = np.zeros((len(scans), 248, 256))
    for heatmap, scan in zip(maps, scans, strict=True):
        mask = scan.lesion_mask()
        depth = ndimage.distance_transform_edt(mask if inside else ~mask)
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        heatmap[row // 2, column // 2] = 1
    return maps


def test_maps_that_point_at_lesions_hit_and_healthy_scans_do_not_take_part(sick):
    game = pointing_game(explanation_of(sick, single_points(sick, inside=True)))
    assert [sick[position].label for position in game.positions] == ["CNV", "DME", "DRUSEN"] * 2
    assert game.rate == 1
    assert "6 of 6 maps (1.000)" in repr(game)


def test_maps_that_point_elsewhere_miss(sick):
    assert pointing_game(explanation_of(sick, single_points(sick, inside=False))).rate == 0


def test_maps_of_cropped_scans_point_where_they_were_seen(sick):
    preprocessing = Preprocessing((248, 256), ("blank_wedges", "flatten_retina", "crop_retina"), "pad")
    for inside in (True, False):
        spots = single_points(sick, inside)
        rows = []
        for scan, spot in zip(sick, spots, strict=True):
            # The point of the prepared scan that lies over the spot on the scan.
            place = np.array(np.unravel_index(spot.argmax(), spot.shape)) * 2
            trials = np.zeros((248, 256), np.float32)
            across = preprocessing.lay_back(np.tile(np.arange(256, dtype=np.float32), (248, 1)), scan.read())
            down = preprocessing.lay_back(np.tile(np.arange(248, dtype=np.float32)[:, None], (1, 256)), scan.read())
            row, column = (round(float(each[tuple(place)])) for each in (down, across))
            trials[row, column] = 1
            rows.append(trials)
        explanation = dataclasses.replace(explanation_of(sick, np.stack(rows)), preprocessing=preprocessing)
        game = pointing_game(explanation, tolerance=0.02)
        assert game.rate == (1 if inside else 0)


def test_a_map_without_signal_is_a_miss(sick):
    # With such a tolerance every point of a map that has one would be in.
    assert pointing_game(explanation_of(sick, np.ones((8, 10, 10))), tolerance=1).rate == 0
    assert pointing_game(explanation_of(sick, single_points(sick, inside=False)), tolerance=1).rate == 1


def test_chance_is_what_random_points_reach(sick):
    rng = np.random.default_rng(0)
    scans = sick.subset([0] * 400)
    maps = np.zeros((400, 496, 512))
    maps[np.arange(400), rng.integers(0, 496, 400), rng.integers(0, 512, 400)] = 1
    game = pointing_game(explanation_of(scans, maps))
    assert game.rate == pytest.approx(game.chance, abs=0.06)


def test_tolerance_lets_points_beside_the_lesion_count(sick):
    scans = sick.subset([2])
    distance = ndimage.distance_transform_edt(~scans[0].lesion_mask())
    beside = ((distance > 15) & (distance < 20))[None].astype(float)
    beside[0][np.unravel_index(beside.argmax(), (1, 496, 512))[1:]] = 2
    rates = [pointing_game(explanation_of(scans, beside), tolerance=each).rate for each in (0, 0.02, 0.05)]
    assert rates == [0, 0, 1]


def test_scans_whose_lesions_nobody_knows_give_nan(sick):
    unknown = octlib.load_oct_dataset(sick.images(64))
    game = pointing_game(explanation_of(unknown, np.zeros((8, 8, 8))))
    assert np.isnan(game.rate)
    assert np.isnan(game.chance)
    assert "no scan has a known lesion" in repr(game)


def test_a_negative_tolerance_is_refused(sick):
    with pytest.raises(ValueError, match="0 or more, got -1"):
        pointing_game(explanation_of(sick, np.zeros((8, 8, 8))), tolerance=-1)
