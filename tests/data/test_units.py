"""Units: no split shares a patient, a volume or a file, whatever the table says of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from octlib.data import OctDataset, load_oct_dataset
from octlib.data.columns import objects
from octlib.data.origin_columns import FileOrigins
from octlib.data.units import find_units, split_keys
from octlib.errors import SplitError

PATIENTS = st.sampled_from(["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"])
VOLUMES = st.sampled_from([None, "v0", "v1", "v2", "v3", "v4", "v5"])
STACKS = st.sampled_from([None, None, "a.tif", "b.tif"])
ROWS = st.lists(st.tuples(PATIENTS, st.sampled_from(["left", "right"]), VOLUMES, STACKS), min_size=4, max_size=60)


def dataset(
    patients: Sequence[Any], eyes: Sequence[Any], volumes: Sequence[Any], stacks: Sequence[str | None] | None = None
) -> OctDataset:
    """Give a dataset whose scans are files of their own, or slices of stacks."""
    n = len(patients)
    stacks = [None] * n if stacks is None else stacks
    files = [f"{number}.png" if stack is None else stack for number, stack in enumerate(stacks)]
    frames = np.array([-1 if stack is None else number for number, stack in enumerate(stacks)])
    return OctDataset(
        FileOrigins(objects(files), frames),
        objects([f"{number}.png" for number in range(n)]),
        patients=objects(list(patients)),
        columns={"eye": objects(list(eyes)), "volume": objects(list(volumes))},
    )


def keys(by: str, patients: Sequence[Any], volumes: Sequence[Any], **columns: Sequence[Any]) -> list[str]:
    return split_keys(by, dataset(patients, columns.pop("eyes", [None] * len(patients)), volumes, **columns))


@given(ROWS, st.integers(0, 99))
def test_no_parts_share_a_patient_or_a_volume_of_a_file(rows: list[tuple[Any, ...]], seed: int) -> None:
    scans = dataset(*zip(*rows, strict=True))
    assume(len(set(split_keys("patient", scans))) >= 3)
    with warnings.catch_warnings(record=True, action="always"):  # of sizes, which the next test is about
        divisions = [scans.split((0.5, 0.3, 0.2), seed=seed), *scans.folds(2, seed=seed)]
    for division in divisions:
        assert sum(map(len, division)) == len(scans)
        for part, other in combinations(division, 2):
            assert not set(part.column("patient")) & set(other.column("patient"))
            assert not slices_of(part) & slices_of(other)


def slices_of(scans: OctDataset) -> set[tuple[str, str | None]]:
    return {(stack, volume) for stack, volume in zip(scans.origins.stacks(), scans.column("volume"), strict=True)} - {
        (None, volume) for volume in scans.column("volume")
    }


@given(ROWS, st.integers(0, 99))
def test_parts_have_the_sizes_that_were_asked_for_or_a_warning_says_which(
    rows: list[tuple[Any, ...]], seed: int
) -> None:
    scans = dataset(*zip(*rows, strict=True))
    assume(len(set(split_keys("patient", scans))) >= 3)
    with warnings.catch_warnings(record=True, action="always") as said:
        parts = scans.split((0.5, 0.3, 0.2), seed=seed)
    off = max(abs(len(part) - share * len(scans)) for part, share in zip(parts, (0.5, 0.3, 0.2), strict=True))
    assert bool(said) == (off > max(1, 0.05 * len(scans)))
    shares = ", ".join(f"{100 * len(part) / len(scans):.0f} %" for part in parts)
    assert all(f"The parts have {shares} of the scans, not 50 %, 30 %, 20 %" in str(each.message) for each in said)
    assert all(each.filename == __file__ for each in said)


def test_numbers_of_volumes_that_begin_anew_tie_no_patients() -> None:
    patients = [f"p{number // 4}" for number in range(80)]
    volumes = [1 + number % 4 // 2 for number in range(80)]
    assert keys("patient", patients, volumes) == patients
    by_volume = keys("volume", patients, volumes)
    assert len(set(by_volume)) == 40
    assert by_volume[::2] == by_volume[1::2]
    of_eyes = keys("volume", ["p1"] * 4, [1] * 4, eyes=["OD", "R", "left", "os"])
    assert len(set(of_eyes)) == 2
    assert of_eyes[::2] == of_eyes[:1] + of_eyes[2:3]


def test_two_patients_are_one_where_a_chain_of_files_ties_them() -> None:
    patients, volumes = ["d", "c", "c", "b", "b", "a", "e"], [1, 1, 2, 2, 3, 3, 4]
    assert keys("patient", patients, volumes) == patients
    assert keys("patient", patients, volumes, stacks=["x.e2e"] * 7) == ["a"] * 6 + ["e"]
    # Each volume of a file has a patient of its own.
    assert keys("patient", ["a", "b"], ["x.e2e/0", "x.e2e/1"], stacks=["x.e2e"] * 2) == ["a", "b"]


def test_one_picture_of_two_patients_ties_them(plant: Callable[..., Path]) -> None:
    folder = plant("1.png", "2.png")
    table = pd.DataFrame({"path": [str(folder / f"{n}.png") for n in (1, 1, 2)], "patient": ["b", "a", "c"]})
    with pytest.warns(UserWarning, match="named more than once"):
        scans = load_oct_dataset(table)
    assert split_keys("patient", scans) == ["a", "a", "c"]


def test_a_scan_without_a_patient_goes_with_the_one_who_has_its_volume() -> None:
    assert keys("patient", ["a", None, "b", "c"], ["v", "v", "w", "w"]) == ["a", "a", "b", "c"]
    eyes = ["left", "OS", "right", "R"]
    assert keys("patient", ["a", None, "b", None], ["v"] * 4, eyes=eyes) == ["a", "a", "b", "b"]
    assert len(set(keys("volume", ["a", None, "a", None], ["v"] * 4, eyes=eyes))) == 2
    assert len(set(keys("volume", ["a", None, None], ["v"] * 3, eyes=["left", None, "unknown"]))) == 1
    with pytest.raises(SplitError, match=r"1 of 3 scans have none"):  # of two, either may be meant
        keys("patient", ["a", "b", None], ["v"] * 3)
    with pytest.raises(SplitError, match=r"1 of 2 scans have none"):  # a file of this name in another folder
        keys("patient", ["a", None], ["eye.tif"] * 2, stacks=["1/eye.tif", "2/eye.tif"])


def test_stacks_of_one_name_in_two_folders_are_two_volumes(tmp_path: Path) -> None:
    parts = []
    for site in ("1", "2"):
        (tmp_path / site).mkdir()
        pages = [Image.fromarray(np.full((8, 8), grey, np.uint8)) for grey in range(3)]
        pages[0].save(tmp_path / site / "eye.tif", save_all=True, append_images=pages[1:])
        parts.append(load_oct_dataset(tmp_path / site))
    scans = parts[0].concat(parts[1])
    assert scans.column("volume").tolist() == ["eye.tif"] * 6
    found = split_keys("volume", scans)
    assert found[:3] == [found[0]] * 3 != found[3:] == [found[3]] * 3
    # The same on every machine: what files are called counts, not where they lie.
    assert not any(str(tmp_path) in key for key in found)
    assert split_keys("volume", parts[0]) == split_keys("volume", parts[1])
    # Where nothing is a stack, a name is a volume's, as is that of slices beside a stack.
    mixed = parts[0].concat(load_oct_dataset(np.zeros((2, 8, 8), np.uint8)))
    assert [unit.stack for unit in find_units(mixed)] == [str(tmp_path / "1" / "eye.tif")] * 3 + [None] * 2


def test_what_nothing_tells_is_counted() -> None:
    with pytest.raises(SplitError, match=r"2 of 3 scans have none.*by='volume'"):
        keys("patient", [None, None, "a"], ["v", float("nan"), "w"])
    with pytest.raises(SplitError, match=r"every scan's volume, and 3 of 4 scans have none.*a column volume"):
        keys("volume", ["a"] * 4, [float("nan"), "", "None", 3.0])
    assert len(set(keys("volume", [None, None], [0, 0.0]))) == 1
    with pytest.raises(ValueError, match="did you mean 'patient'"):
        keys("patients", ["a"], [None])
