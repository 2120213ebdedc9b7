"""Pictures: each scan with its map and the outline of its lesion, none where there is nothing to show."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

import octlib
from octlib.report.pictures import describe_method, draw_gallery, has_outlines


def pixels(picture: dict[str, object]) -> np.ndarray:
    header, _, content = str(picture["source"]).partition(",")
    assert header == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.size == (picture["width"], picture["height"])
        return np.asarray(image.convert("RGB")).astype(int)


def unknown_scan(height: int, width: int) -> octlib.Explanation:
    scans = octlib.load_oct_dataset(np.zeros((1, height, width), dtype=np.uint8))
    return octlib.Explanation(np.eye(8, dtype=np.float32)[None], ("CNV",), ("CNV",), scans, "gradcam", None)


def test_a_sick_scan_comes_with_its_map_and_a_white_outline(explanation, scans):
    first = next(iter(scans))
    item = draw_gallery(explanation)[0]
    scan, overlay = map(pixels, item["pictures"])
    assert np.abs(scan[..., 0] - first.read()).mean() < 6
    assert (overlay.max(axis=2) - overlay.min(axis=2)).max() > 100
    assert ((overlay > 220).all(axis=2) & (scan < 120).all(axis=2)).sum() > 100
    assert (item["target"], item["truth"], item["wrong"]) == ("CNV", "CNV", False)
    assert (item["name"], item["patient"]) == (first.name, first.patient)
    assert has_outlines(explanation)


def test_the_outline_runs_around_the_lesion(explanation, scans):
    first = next(iter(scans))
    without = octlib.Explanation(
        explanation.heatmaps[:1] * 0 + np.linspace(0, 0.01, 64, dtype=np.float32),
        ("CNV",),
        ("CNV",),
        scans.subset([0]),
        "",
        None,
    )
    scan, overlay = map(pixels, draw_gallery(without)[0]["pictures"])
    mask = first.lesion_mask()
    rows, columns = np.nonzero((overlay.min(axis=2) > 230) & (scan.max(axis=2) < 150))
    near = np.zeros_like(mask)
    for down in range(-6, 7):
        for right in range(-6, 7):
            near |= np.roll(mask, (down, right), axis=(0, 1))
    assert len(rows) > 50
    assert near[rows, columns].mean() > 0.99


def test_words_for_those_who_cannot_see_say_what_is_drawn(explanation):
    scan, overlay = (picture["words"] for picture in draw_gallery(explanation)[0]["pictures"])
    assert scan.startswith("Scan ")
    assert "support for CNV" in overlay
    assert "lesion outlined" in overlay
    assert "outlined" not in draw_gallery(unknown_scan(90, 90))[0]["pictures"][1]["words"]


def test_a_map_without_signal_is_not_drawn(explanation):
    healthy = [item for item in draw_gallery(explanation) if item["truth"] == "NORMAL"]
    assert [len(item["pictures"]) for item in healthy] == [1, 1]


def maps_of_cnv(explanation, scans, target, predicted):
    return octlib.Explanation(
        explanation.heatmaps[:1], (target,), (predicted,), scans.subset([0]), "layercam", "blocks.2"
    )


def test_an_error_is_marked(explanation, scans):
    wrong = maps_of_cnv(explanation, scans, "DME", "DME")
    item = draw_gallery(wrong)[0]
    assert (item["target"], item["predicted"], item["truth"], item["wrong"]) == ("DME", "DME", "CNV", True)
    assert describe_method(wrong) == "Maps by layercam at blocks.2."


def test_a_map_of_another_class_than_the_predicted_one_is_no_error(explanation, scans):
    asked = draw_gallery(maps_of_cnv(explanation, scans, "DME", "CNV"))[0]
    assert (asked["target"], asked["predicted"], asked["wrong"]) == ("DME", "CNV", False)
    hidden = draw_gallery(maps_of_cnv(explanation, scans, "CNV", "DME"))[0]
    assert (hidden["target"], hidden["predicted"], hidden["wrong"]) == ("CNV", "DME", True)


@pytest.mark.parametrize(("size", "shown"), [((90, 1400), (41, 640)), ((90, 640), (90, 640)), ((1, 1400), (1, 640))])
def test_scans_without_labels_patients_or_lesions_are_shown_small(size, shown):
    maps = unknown_scan(*size)
    item = draw_gallery(maps)[0]
    assert (item["truth"], item["patient"], item["wrong"]) == (None, None, False)
    assert [pixels(picture).shape[:2] for picture in item["pictures"]] == [shown, shown]
    assert not has_outlines(maps)


def test_an_outline_survives_the_shrinking_of_a_wide_scan(explanation, scans, monkeypatch):
    monkeypatch.setattr("octlib.report.pictures.WIDEST", 160)
    overlay = pixels(draw_gallery(explanation)[0]["pictures"][1])
    assert overlay.shape[1] == 160
    assert (overlay.min(axis=2) > 200).sum() > 30


def test_outlines_that_are_not_drawn_are_not_promised(explanation, scans):
    silent = octlib.Explanation(explanation.heatmaps[:1] * 0, ("CNV",), ("CNV",), scans.subset([0]), "gradcam", None)
    assert not has_outlines(silent)


def test_no_explanation_is_an_empty_gallery():
    assert draw_gallery(None) == []
    assert describe_method(None) == ""
    assert not has_outlines(None)


def test_a_gallery_has_so_many_scans_and_the_page_says_of_how_many(tmp_path, evaluation, explanation):
    total = len(explanation.scans)
    assert [len(draw_gallery(explanation, shown)) for shown in (0, 2, total, total + 5)] == [0, 2, total, total]
    page = octlib.write_report(tmp_path / "r.html", evaluation, explanation, shown=2).read_text()
    assert f"The first 2 of {total} scans." in page
    assert page.count("<figure") == 2
