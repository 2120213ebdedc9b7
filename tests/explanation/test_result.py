"""Explanation object: overlays, picture and words."""

from __future__ import annotations

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest

import octlib
from octlib.explanation import Explanation
from octlib.explanation.result import STRONGEST_TINT

SIZES = [(40, 70), (96, 64), (10, 12)]


def explanation(n=3, *, labels=True, heat=None):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, SIZES[index % 3], dtype=np.uint8) for index in range(n)]
    names = ["CNV" if index % 2 else "NORMAL" for index in range(n)]
    scans = octlib.load_oct_dataset((images, names) if labels else images)
    if heat is None:
        heat = np.zeros((n, 32, 48), np.float32)
        heat[:, :16, :24] = 1
    targets = tuple(["DME", "CNV", "DME"][index % 3] for index in range(n))
    return Explanation(heat, targets, ("CNV",) * n, scans, "gradcam", None)


def test_overlays_have_each_scans_own_size():
    result = explanation()
    overlays = result.overlays()
    assert [overlay.shape for overlay in overlays] == [(*size, 3) for size in SIZES]
    assert {overlay.dtype for overlay in overlays} == {np.dtype(np.uint8)}
    np.testing.assert_array_equal(overlays[1], result.overlay(1))


def test_a_scan_shows_as_it_is_where_there_is_no_heat():
    result = explanation()
    for scan, overlay in zip(result.scans, result.overlays(), strict=True):
        pixels, (height, width) = scan.read(), overlay.shape[:2]
        quiet = np.s_[height // 2 + height // 8 + 1 :]
        np.testing.assert_array_equal(overlay[quiet], np.repeat(pixels[quiet][:, :, None], 3, axis=2))
        hot = np.s_[: height // 4, : width // 4]
        red = mpl.colormaps["turbo"](1.0)[:3]
        expected = (1 - STRONGEST_TINT) * pixels[hot][:, :, None] + STRONGEST_TINT * 255 * np.array(red)
        np.testing.assert_allclose(overlay[hot], expected, atol=1)


def test_reading_an_overlay_changes_no_scan():
    result = explanation()
    before = [scan.read().copy() for scan in result.scans]
    result.overlays()
    for scan, pixels in zip(result.scans, before, strict=True):
        np.testing.assert_array_equal(scan.read(), pixels)


def test_constant_maps_have_no_signal():
    heat = np.zeros((3, 8, 8), np.float32)
    heat[1] = 0.7
    heat[2, 3, 4] = 1
    assert explanation(heat=heat).has_signal.tolist() == [False, False, True]


@pytest.mark.parametrize(("n", "shape"), [(1, (1, 1)), (3, (1, 3)), (6, (2, 4)), (18, (4, 4))])
def test_plot_shows_sixteen_at_most(n, shape):
    before = dict(mpl.rcParams)
    axes = explanation(n).plot()
    assert dict(mpl.rcParams) == before
    assert axes.shape == shape
    assert sum(len(axis.get_images()) for axis in axes.flat) == min(n, 16)
    title = axes.flat[0].figure.get_suptitle()
    assert ("2 more not shown" in title) is (n == 18)
    assert "gradcam" in title
    assert axes.flat[0].figure.get_supxlabel() == "Red speaks most for the class, blue least."


def test_plot_says_what_was_explained_what_was_predicted_and_whether_there_is_a_signal():
    heat = np.zeros((3, 8, 8), np.float32)
    heat[0, 3, 4] = 1
    titles = [axis.get_title() for axis in explanation(heat=heat).plot().flat]
    assert titles[0] == "for DME (predicted CNV), truly NORMAL"
    assert titles[1] == "for CNV (predicted), truly CNV: no signal"
    assert explanation(labels=False).plot().flat[0].get_title() == "for DME (predicted CNV)"


def test_words():
    result = explanation()
    assert repr(result) == "Explanation(3 maps of 32 x 48 by gradcam at the last map; for CNV 1, DME 2)"
    assert repr(result) in result._repr_html_()
    named = Explanation(result.heatmaps, ("<b>",) * 3, result.predicted, result.scans, "gradcam", "layer4")
    assert "at the layer4" in repr(named)
    assert "<b>" not in named._repr_html_()


def test_words_for_two_classes_several_layers_and_noisy_copies():
    plain = explanation()
    told = dataclasses.replace(plain, against=("CNV", "NORMAL", "CNV"), layer=("layer2", "layer3", "layer4"), smooth=8)
    assert repr(told) == (
        "Explanation(3 maps of 32 x 48 by gradcam at the layer2, layer3 and layer4, over 8 noisy copies; "
        "for CNV against NORMAL 1, DME against CNV 2)"
    )
    axes = told.plot().flat
    assert axes[0].get_title().startswith("for DME against CNV (predicted CNV)")
    assert axes[0].figure.get_suptitle() == "gradcam, layer2, layer3 and layer4, over 8 noisy copies"
    for method, place in (("occlusion", "scan"), ("scorecam", "last map of octlib")):
        backbone = "octlib" if method == "scorecam" else None
        assert dataclasses.replace(plain, method=method, backbone=backbone).place == place
