"""Patients: whatever callers write becomes text, and shared ones are counted."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from octlib.data import load_oct_dataset
from octlib.data.patients import as_patients, shared_patients


def test_numbers_and_texts_of_one_person_agree():
    assert as_patients([12, 12.0, "12", np.int64(12), np.float64(12), " 12 "], 6).tolist() == ["12"] * 6


def test_missing_ones_are_none():
    missing = [None, float("nan"), "", "  ", pd.NA, pd.NaT, np.nan, "None", "Unknown"]
    assert as_patients(missing, len(missing)).tolist() == [None] * len(missing)


def test_pandas_columns_with_gaps_keep_whole_numbers():
    assert as_patients(pd.Series([1016042, None]), 2).tolist() == ["1016042", None]


def test_column_shapes():
    assert as_patients(np.array([["a"], ["b"]]), 2).tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=r"3 in all, got the shape \(2,\)"):
        as_patients(["a", "b"], 3)


def test_shared_patients_are_counted_per_pair(table):
    scans = table(
        ["A"] * 8,
        ["1", "2", "3", "1", "1", "2", None, None],
        splits=["train", "train", "train", "val", "test", "test", "train", "test"],
    )
    splits = scans.column("split")
    expected = {("train", "val"): 1, ("train", "test"): 2, ("val", "test"): 1}
    assert shared_patients(scans.patients, splits) == expected
    assert shared_patients(scans.patients[:3], splits[:3]) == {}
    assert shared_patients(None, splits) == {}


def test_patients_of_a_folder_are_read_off_names_by_a_pattern_or_a_function(plant):
    root = plant("A/P1_1.png", "A/P1_2.png", "B/P2_1.png", "B/other.png")
    for patients in (r"/(P\d)_", re.compile(r"(?P<who>P\d)"), lambda path: path.name[:2] if "_" in path.name else None):
        scans = load_oct_dataset(root, patients=patients)
        assert dict(zip(scans.names, scans.patients, strict=True)) == {
            "A/P1_1.png": "P1",
            "A/P1_2.png": "P1",
            "B/P2_1.png": "P2",
            "B/other.png": None,
        }


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("(", "must be a regular expression"), (r"P\d", "must have a group"), (r"(Q\d)", "fits none, such as 'P1.png'")],
)
def test_a_pattern_that_tells_no_patient_is_refused(plant, pattern, message):
    with pytest.raises(ValueError, match=message):
        load_oct_dataset(plant("P1.png"), patients=pattern)
