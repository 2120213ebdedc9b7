"""Labels: matched by class name, never by number."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.data import match_labels
from octlib.errors import UnmatchedClassesError


def test_labels_follow_the_other_order(table):
    scans = table(["CNV", "DME", "NORMAL", "CNV"])
    matched = match_labels(scans, ("NORMAL", "DRUSEN", "DME", "CNV"))
    assert matched.dtype == np.int64
    assert matched.tolist() == [3, 2, 0, 3]


def test_classes_without_scans_do_not_matter(table):
    scans = table(["DME", "DME"], class_names=["CNV", "DME", "OTHER"])
    assert match_labels(scans, ["DME"]).tolist() == [0, 0]


def test_mismatch_lists_both_sides(table):
    with pytest.raises(ValueError, match="are of CNV, VID, and of these VID can't be found among CNV, DME"):
        match_labels(table(["CNV", "VID"]), ("CNV", "DME"))


def test_a_misspelt_class_is_recognised(table):
    with pytest.raises(ValueError, match="Did you mean 'DRUSEN' by 'DRUSSEN'"):
        match_labels(table(["CNV", "DRUSSEN"]), ("CNV", "DRUSEN"))


def test_unlabelled_scans_are_refused(table):
    with pytest.raises(ValueError, match="must have labels"):
        match_labels(table([None]), ("CNV",))


def test_scans_without_a_label_are_counted_and_can_be_left_out(table):
    scans = table(["CNV", None, "DME", None])
    with pytest.raises(UnmatchedClassesError, match=r"2 of 4 have none.*: dataset\[dataset.labels >= 0\]"):
        match_labels(scans, ("CNV", "DME"))
    assert match_labels(scans[scans.labels >= 0], ("DME", "CNV")).tolist() == [1, 0]
