"""Scoring: hits, misses and what chance reaches, and tables of clicks that are checked at once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

import octlib
from octlib.errors import TableError
from octlib.explanation import score_explanations
from octlib.preprocessing import Preprocessing


@pytest.fixture(scope="module")
def sick() -> octlib.OctDataset:
    """Give a few phantoms of every class."""
    return octlib.load_oct_dataset("phantoms").sample(8)


def explanation_of(scans: octlib.OctDataset, heatmaps: np.ndarray) -> octlib.Explanation:
    names = tuple(scan.label or "CNV" for scan in scans)
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
    scores = score_explanations(explanation_of(sick, single_points(sick, inside=True)))
    assert [sick[position].label for position in scores.maps["position"]] == ["CNV", "DME", "DRUSEN"] * 2
    assert scores.pointing == 1
    assert "6 maps by gradcam at the last map, 2 without a known lesion left out" in repr(scores)


def test_maps_that_point_elsewhere_miss(sick):
    scores = score_explanations(explanation_of(sick, single_points(sick, inside=False)))
    assert scores.pointing == scores.iou == 0
    assert scores.energy < 1e-3


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
        scores = score_explanations(explanation, tolerance=0.02)
        assert scores.pointing == (1 if inside else 0)


def test_a_map_without_signal_counts_as_nothing(sick):
    # With such a tolerance every point of a map that has one would be in.
    flat = score_explanations(explanation_of(sick, np.ones((8, 10, 10))), tolerance=1)
    assert (flat.pointing, flat.energy, flat.iou) == (0, 0, 0)
    assert score_explanations(explanation_of(sick, single_points(sick, inside=False)), tolerance=1).pointing == 1


def test_of_several_highest_points_each_counts_its_share(sick):
    scans = sick.subset([0])
    spots = single_points(scans, inside=True) + single_points(scans, inside=False)
    blocks = np.kron(spots, np.ones((1, 2, 2)))
    assert score_explanations(explanation_of(scans, blocks)).pointing == pytest.approx(0.5)


def test_chances_are_what_random_points_and_pixels_reach(sick):
    rng = np.random.default_rng(0)
    scans = sick.subset([0] * 60)
    points = np.zeros((60, 496, 512), np.float32)
    points[np.arange(60), rng.integers(0, 496, 60), rng.integers(0, 512, 60)] = 1
    scores = score_explanations(explanation_of(scans, points))
    assert scores.pointing == pytest.approx(scores.chances["pointing"], abs=0.15)
    pixels = (rng.random((1, 496, 512)) < 0.3).astype(float)
    scattered = score_explanations(explanation_of(sick.subset([0]), pixels))
    assert scattered.energy == pytest.approx(scattered.chances["energy"], rel=0.1)
    assert scattered.iou == pytest.approx(scattered.chances["iou"], rel=0.1)


def test_energy_and_overlap_of_a_half(sick):
    scans = sick.subset([0])
    mask = scans[0].lesion_mask()
    half = mask & (np.cumsum(mask).reshape(mask.shape) <= mask.sum() // 2)
    scores = score_explanations(explanation_of(scans, half[None]))
    assert scores.energy == 1
    assert scores.iou == pytest.approx(0.5, abs=0.01)
    weak = score_explanations(explanation_of(scans, (half + 0.4 * ~half)[None]))
    assert weak.iou == scores.iou  # below half of the maximum nothing is marked
    assert weak.energy < 0.5


def test_tolerance_lets_points_beside_the_lesion_count(sick):
    scans = sick.subset([2])
    distance = ndimage.distance_transform_edt(~scans[0].lesion_mask())
    beside = ((distance > 15) & (distance < 20))[None].astype(float)
    beside[0][np.unravel_index(beside.argmax(), (1, 496, 512))[1:]] = 2
    rates = [score_explanations(explanation_of(scans, beside), tolerance=each).pointing for each in (0, 0.02, 0.05)]
    assert rates == [0, 0, 1]


def test_scans_whose_lesions_nobody_knows_give_nan(sick):
    unknown = octlib.load_oct_dataset(sick.images(64))
    scores = score_explanations(explanation_of(unknown, np.zeros((8, 8, 8))))
    assert np.isnan([scores.pointing, scores.energy, scores.iou, scores.chances["pointing"]]).all()
    assert repr(scores) == "0 maps by gradcam at the last map, 8 without a known lesion left out"
    assert "0 maps" in scores._repr_html_()


def test_the_table_has_every_class_and_intervals_are_over_patients(sick):
    spots = single_points(sick, inside=True)
    spots[[index for index, scan in enumerate(sick) if scan.label == "DME"]] = 1
    scores = score_explanations(explanation_of(sick, spots))
    table = scores.to_frame().set_index(["measure", "class"])
    assert table.loc[("pointing", "DME"), ["value", "maps"]].tolist() == [0, 2]
    assert table.loc[("pointing", "CNV"), "value"] == 1
    assert table.loc[("pointing", ""), "value"] == scores.pointing == pytest.approx(4 / 6)
    low, high = scores.intervals["pointing"]
    assert 0 <= low < scores.pointing < high <= 1
    of_one = score_explanations(explanation_of(sick.with_patients(["one"] * 8), spots))
    assert np.isnan(of_one.intervals["pointing"]).all()
    assert "DME" in repr(scores)
    assert "<table>" in scores._repr_html_()


def test_a_negative_tolerance_is_refused(sick):
    with pytest.raises(ValueError, match="0 or more, got -1"):
        score_explanations(explanation_of(sick, np.zeros((8, 8, 8))), tolerance=-1)


@pytest.fixture
def clicked() -> octlib.Explanation:
    """Give maps of three scans of 40 x 80 pixels that are highest at row 10, column 20."""
    scans = octlib.load_oct_dataset((np.zeros((3, 40, 80), np.uint8), None, ["a", "b", "b"]))
    maps = np.zeros((3, 40, 80))
    maps[:, 10, 20] = 1
    return explanation_of(scans, maps)


def written(folder, text):
    path = folder / "points.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_clicks_are_hit_within_the_tolerance_and_several_are_several_chances(clicked, tmp_path):
    names = clicked.scans.names
    lines = [
        "name,x,y,reader",
        f"{names[0]},20,10,A",
        f"{names[1]},70,35,A",
        "",
        f"{names[1]},22,11,B",
        f"{names[2]},10,20,A",
    ]
    path = written(tmp_path, "\n".join(lines))
    scores = score_explanations(clicked, points=path)
    assert scores.maps["pointing"].tolist() == [1, 1, 0]  # of the last one, x and y are exchanged
    assert scores.maps["pointing_chance"][1] > scores.maps["pointing_chance"][0] > 0
    assert np.isnan([scores.energy, scores.iou]).all()
    exact = score_explanations(clicked, points=str(path), tolerance=0)
    assert exact.maps["pointing"].tolist() == [1, 0, 0]
    frame = pd.DataFrame({"name": names[:1], "x": [20.9], "y": [10.0]})
    only = score_explanations(clicked, points=frame, tolerance=0)
    assert (only.n_maps, only.pointing) == (1, 1)
    assert "2 without a known click left out" in repr(only)


def test_clicks_take_the_place_of_masks(sick):
    explanation = explanation_of(sick, single_points(sick, inside=True))
    frame = pd.DataFrame({"name": sick.names[:1], "x": [0], "y": [0]})
    assert score_explanations(explanation, points=frame).pointing == 0


def test_all_problems_of_a_table_are_told_at_once_with_their_rows(clicked, tmp_path):
    first, second, _ = clicked.scans.names
    lines = [
        "name,x,y",
        f"{first},5,5",
        "nobody,1,1",
        f"{first},80,1",
        f"{second},1,-1",
        f"{second},here,1",
        ",1,1",
        f"{second},,1",
    ]
    with pytest.raises(TableError) as caught:
        score_explanations(clicked, points=written(tmp_path, "\n".join(lines)))
    text = str(caught.value)
    assert "points.csv has no name in row 7" in text
    assert "no scan that was explained in row 3 (name nobody, x 1, y 1)" in text
    assert "no number for x or y in rows 6, 8" in text
    assert "a point outside of its scan in rows 4, 5" in text
    assert "row 2" not in text


def test_names_that_two_scans_share_are_refused(clicked):
    twice = explanation_of(clicked.scans.subset([0, 0]), np.zeros((2, 40, 80)))
    frame = pd.DataFrame({"name": clicked.scans.names[:1], "x": [1], "y": [1]}, index=["r1"])
    with pytest.raises(TableError, match="that several of the scans have in row r1"):
        score_explanations(twice, points=frame)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,x\n1,2\n", r"one column each for name, x and y, and points\.csv has name, x\. Rename or add: y\."),
        ("name,x,x,y\n1,2,2,3\n", "Rename or add: x"),
        ("name,x,y\n", "can't be read as a table .it has no rows"),
        ("", "can't be read as a table"),
    ],
)
def test_tables_that_are_none_are_refused(clicked, tmp_path, text, message):
    with pytest.raises(TableError, match=message):
        score_explanations(clicked, points=written(tmp_path, text))


def test_other_bad_points_are_refused(clicked, tmp_path):
    (tmp_path / "points.csv").write_bytes(b"name,x,y\n\xff\xfe,1,1\n")
    with pytest.raises(TableError, match="must be UTF-8 text"):
        score_explanations(clicked, points=tmp_path / "points.csv")
    with pytest.raises(FileNotFoundError):
        score_explanations(clicked, points=tmp_path / "none.csv")
    with pytest.raises(TypeError, match=r"path of a CSV file or a DataFrame .* got \[\(1, 2\)\]"):
        score_explanations(clicked, points=[(1, 2)])
