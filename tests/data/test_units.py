"""Units: no split shares a patient, an eye or a volume, whatever the table says of them."""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from octlib.data import OctDataset
from octlib.data.columns import objects
from octlib.data.origin_columns import ArrayOrigins
from octlib.data.units import split_keys
from octlib.errors import SplitError

PATIENTS = st.sampled_from(["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"])
VOLUMES = st.sampled_from([None, "v0", "v1", "v2", "v3", "v4", "v5"])
ROWS = st.lists(st.tuples(PATIENTS, st.sampled_from(["left", "right"]), VOLUMES), min_size=4, max_size=60)


def dataset(rows: list[tuple[Any, Any, Any]]) -> OctDataset:
    patients, eyes, volumes = (objects(list(column)) for column in zip(*rows, strict=True))
    return OctDataset(
        ArrayOrigins(np.zeros((len(rows), 4, 4), np.uint8), np.arange(len(rows))),
        objects([f"{number}.png" for number in range(len(rows))]),
        patients=patients,
        columns={"eye": eyes, "volume": volumes},
    )


@given(ROWS, st.integers(0, 99))
def test_no_parts_share_a_patient_an_eye_or_a_volume(rows: list[tuple[Any, Any, Any]], seed: int) -> None:
    scans = dataset(rows)
    assume(len(set(split_keys("patient", scans.names, scans.patients, scans.column("volume")))) >= 3)
    with warnings.catch_warnings(record=True, action="always"):  # of sizes, which the next test is about
        divisions = [scans.split((0.5, 0.3, 0.2), seed=seed), *scans.folds(2, seed=seed)]
    for division in divisions:
        assert sum(map(len, division)) == len(scans)
        for part, other in combinations(division, 2):
            assert not set(part.column("patient")) & set(other.column("patient"))
            assert not eyes_of(part) & eyes_of(other)
            assert not (set(part.column("volume")) & set(other.column("volume"))) - {None}


@given(ROWS, st.integers(0, 99))
def test_parts_have_the_sizes_that_were_asked_for_or_a_warning_says_which(
    rows: list[tuple[Any, Any, Any]], seed: int
) -> None:
    scans = dataset(rows)
    assume(len(set(split_keys("patient", scans.names, scans.patients, scans.column("volume")))) >= 3)
    with warnings.catch_warnings(record=True, action="always") as said:
        parts = scans.split((0.5, 0.3, 0.2), seed=seed)
    off = max(abs(len(part) - share * len(scans)) for part, share in zip(parts, (0.5, 0.3, 0.2), strict=True))
    assert bool(said) == (off > max(1, 0.05 * len(scans)))
    shares = ", ".join(f"{100 * len(part) / len(scans):.0f} %" for part in parts)
    assert all(f"The parts have {shares} of the scans, not 50 %, 30 %, 20 %" in str(each.message) for each in said)
    assert all(each.filename == __file__ for each in said)


def eyes_of(scans: OctDataset) -> set[tuple[str, str]]:
    return set(zip(scans.column("patient"), scans.column("eye"), strict=True))


def test_where_no_volume_ties_them_patients_are_divided_as_by_their_names() -> None:
    patients = [f"p{number % 9}" for number in range(40)]
    assert split_keys("patient", patients, patients, [None] * 40) == patients
    volumes = [f"{patient} left" for patient in patients]
    assert split_keys("patient", patients, patients, volumes) == patients


def test_a_chain_of_volumes_ties_all_of_it() -> None:
    patients = ["d", "c", "c", "b", "b", "a", "e"]
    volumes = [1, 1, 2, 2, 3, 3, 4]
    assert split_keys("patient", patients, patients, volumes) == ["a"] * 6 + ["e"]


def test_what_no_volume_knows_either_is_counted() -> None:
    with pytest.raises(SplitError, match=r"2 of 3 scans have none.*by='volume'"):
        split_keys("patient", ["1", "2", "3"], [None, None, "a"], ["v", float("nan"), "w"])
    with pytest.raises(SplitError, match=r"every scan's volume, and 1 of 2 scans have none.*a column volume"):
        split_keys("volume", ["1", "2"], ["a", "a"], [float("nan"), 3.0])
    assert split_keys("volume", ["1", "2"], [None, None], [0, 0]) == ["0", "0"]
    with pytest.raises(ValueError, match="did you mean 'patient'"):
        split_keys("patients", ["1"], ["a"], [None])
