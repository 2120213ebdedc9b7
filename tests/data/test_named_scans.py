"""Named scans: one key for a scan, however a table writes its file and its frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from octlib.data.named_scans import as_frame, named_scans, repeats, torn


@pytest.mark.parametrize("value", [np.int64(7), np.float64(7), "7", "007", " 7.0 ", 7])
def test_a_frame_is_its_number(value):
    assert as_frame(value) == 7


@pytest.mark.parametrize("value", [None, np.nan, pd.NA, "", " ", -1, "-1", -1.0])
def test_no_frame_means_the_whole_file(value):
    assert as_frame(value) == -1


@pytest.mark.parametrize("value", [-2, 1.5, "x", True, "1e3", float("inf"), "9" * 5000, "\u0663"])
def test_other_values_are_no_frames(value):
    assert as_frame(value) is None


def test_a_plain_image_has_one_scan():
    scans = named_scans(["a.png", "a.png", "./a.png", "a.png", None], [None, 0, -1, 1, 2])
    assert scans == [scans[0]] * 3 + [None, None]
    assert repeats(scans) == [1, 2]


@pytest.mark.parametrize(
    ("frames", "labels", "wrong"),
    [
        ([3, 4, None], ["A", "B", "A"], [2]),
        ([None, 3, 4], ["A", "A", "B"], [2]),
        ([3, 3, 3], ["A", None, "A"], [1]),
        ([3, 4, 5], ["A", "B", "C"], []),
        ([None, None, 3], ["A", "B", "A"], [1]),
    ],
)
def test_a_whole_file_has_the_label_of_each_of_its_scans(frames, labels, wrong):
    assert torn(named_scans(["a.tif"] * 3, frames), labels) == wrong
