"""Pictures: each scan with its map and the outline of its lesion, none where there is nothing to show."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

import octlib
from octlib.report.pictures import gallery, has_outlines, method_in_words


def pixels(picture: dict[str, object]) -> np.ndarray:
    header, _, content = str(picture["source"]).partition(",")
    assert header == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.size == (picture["width"], picture["height"])
        return np.asarray(image.convert("RGB"))


def test_a_sick_scan_comes_with_its_map_and_a_white_outline(explanation, scans):
    item = gallery(explanation)[0]
    scan, overlay = (pixels(picture).astype(int) for picture in item["pictures"])
    assert np.abs(scan[..., 0] - scans.scans[0].read()).mean() < 6
    assert (overlay.max(axis=2) - overlay.min(axis=2)).max() > 100
    assert ((overlay > 220).all(axis=2) & (scan < 120).all(axis=2)).sum() > 100
    assert item["verdict"] == "for CNV, truly CNV"
    assert not item["wrong"]
    assert has_outlines(explanation)


def test_a_map_without_signal_is_said_to_be_none_and_not_drawn(explanation):
    healthy = [item for item in gallery(explanation) if "NORMAL" in item["verdict"]]
    assert len(healthy) == 2
    assert all(len(item["pictures"]) == 1 and "shows nothing" in item["remark"] for item in healthy)


def test_an_error_is_marked(explanation, scans):
    wrong = octlib.Explanation(explanation.heatmaps[:1], ("DME",), scans.subset([0]), "layercam", "blocks.2")
    item = gallery(wrong)[0]
    assert item["verdict"] == "for DME, truly CNV"
    assert item["wrong"]
    assert method_in_words(wrong) == "Maps by layercam at blocks.2."


def test_scans_without_labels_patients_or_lesions_are_shown_too():
    unknown = octlib.load_oct_dataset(np.zeros((1, 90, 1400), dtype=np.uint8))
    maps = octlib.Explanation(np.eye(8, dtype=np.float32)[None], ("CNV",), unknown, "gradcam", None)
    item = gallery(maps)[0]
    assert item["verdict"] == "for CNV"
    assert "patient" not in item["origin"]
    assert pixels(item["pictures"][0]).shape == (41, 640, 3)
    assert not has_outlines(maps)


def test_no_explanation_is_an_empty_gallery():
    assert gallery(None) == []
    assert method_in_words(None) == ""
    assert not has_outlines(None)
