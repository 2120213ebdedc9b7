"""Dataset: an immutable table; every method keeps rows, labels and patients together."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octlib.data import OctDataset, Scan, load_oct_dataset
from octlib.errors import SplitWarning, UnmatchedClassesError
from octlib.preprocessing import Preprocessing


def rows(scans: OctDataset) -> list[tuple[str, str | None, str | None, str | None]]:
    """Give all that a dataset says about its scans."""
    return [(scan.name, scan.label, scan.patient, scan.split) for scan in scans]


@pytest.fixture
def scans(table):
    return table(["CNV", "DME", "CNV", "NORMAL"], ["1", "2", None, "1"], splits=["train", None, "val", "train"])


def test_columns(scans):
    assert len(scans) == 4
    assert scans.class_names == ("CNV", "DME", "NORMAL")
    assert scans.labels.dtype == np.int64
    assert scans.labels.tolist() == [0, 1, 0, 2]
    assert scans.patients.dtype == object
    assert scans.patients.tolist() == ["1", "2", None, "1"]
    assert scans.paths.tolist() == [None] * 4
    assert scans.names.tolist() == ["scan0", "scan1", "scan2", "scan3"]
    assert [type(scan) for scan in scans] == [Scan] * 4


def test_unknown_columns_are_none(table):
    bare = table([None, None])
    assert bare.labels is None
    assert bare.patients is None
    assert bare.class_names == ()


def test_nothing_can_be_changed(scans):
    with pytest.raises(ValueError, match="read-only"):
        scans.labels[0] = 2
    with pytest.raises(ValueError, match="read-only"):
        scans.patients[0] = "x"
    with pytest.raises(dataclasses.FrozenInstanceError):
        scans.class_names = ("A",)


def test_frame(scans, plant):
    frame = scans.to_frame()
    assert list(frame.columns) == ["name", "path", "label", "patient", "split"]
    assert frame["label"].tolist() == ["CNV", "DME", "CNV", "NORMAL"]
    assert frame["patient"].tolist() == ["1", "2", None, "1"]
    assert frame["split"].tolist() == ["train", None, "val", "train"]
    root = plant("CNV/CNV-1-1.jpeg")
    assert load_oct_dataset(root).to_frame().loc[0, "path"] == str(root / "CNV" / "CNV-1-1.jpeg")


def test_images_at_any_size(scans):
    assert scans.images(3).shape == (4, 3, 3)
    images = scans.images((4, 5))
    assert images.dtype == np.uint8
    assert images[:, 0, 0].tolist() == [0, 1, 2, 3]


def test_images_keep_wedges_unless_told(table):
    white = load_oct_dataset(
        np.pad(np.full((1, 64, 56), 30, dtype=np.uint8), ((0, 0), (0, 0), (8, 0)), constant_values=255)
    )
    assert white.images(64)[0, 0, 0] == 255
    assert white.images(Preprocessing(64))[0, 0, 0] == 0


def test_batches_are_the_images_in_order(scans):
    batches = list(scans.batches(Preprocessing((4, 5)), size=3))
    assert [len(batch) for batch in batches] == [3, 1]
    np.testing.assert_array_equal(np.concatenate(batches), scans.images(Preprocessing((4, 5))))
    assert len(next(scans.batches(8))) == 4


def test_batches_hold_at_least_one_scan(scans):
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        scans.batches(8, size=0)  # said at once, not when the first batch is asked for


@given(data=st.data())
def test_subset_keeps_rows_together(table, data):
    scans = table(list("ABCAB"), list("12345"), class_names=list("CBA"))
    places = data.draw(st.lists(st.integers(-5, 4)))
    chosen = scans.subset(places)
    assert rows(chosen) == [rows(scans)[place] for place in places]
    assert chosen.class_names == ("C", "B", "A")
    assert chosen.labels.tolist() == [scans.labels[place] for place in places]


def test_subset_by_truth(scans):
    assert rows(scans.subset(scans.labels == 0)) == [rows(scans)[0], rows(scans)[2]]
    assert len(scans.subset([False] * 4)) == 0


@pytest.mark.parametrize(
    ("indices", "error", "message"),
    [
        ([4], IndexError, "between -4 and 3 for 4 scans, got 4"),
        ([0, -5], IndexError, "got -5"),
        ([True, False], ValueError, "as many as scans, 4, got 2"),
        ([0.0, 1.0], TypeError, "whole numbers or truth values, got float64"),
        (["a"], TypeError, "whole numbers or truth values"),
        (2, ValueError, "plain list"),
        ([[0, 1]], ValueError, "plain list"),
    ],
)
def test_subset_refuses(scans, indices, error, message):
    with pytest.raises(error, match=message):
        scans.subset(indices)


def test_take_shows_every_class(table):
    scans = table(["A"] * 50 + ["B"] * 3 + ["C"] * 2)
    assert [scan.label for scan in scans.sample(4)] == ["A", "B", "C", "A"]
    assert sorted(scan.label for scan in scans.sample(10)) == ["A"] * 5 + ["B"] * 3 + ["C"] * 2
    assert sorted(scans.sample(55).names) == sorted(scans.names)


def test_take_is_random_and_repeatable(table):
    scans = table([None] * 100)
    assert list(scans.sample(5).names) == list(scans.sample(5).names)
    assert len({tuple(scans.sample(5, seed=seed).names) for seed in range(10)}) == 10
    assert len(scans.sample(0)) == 0


@pytest.mark.parametrize(
    ("n", "message"),
    [
        (5, "between 0 and the 4 that there are, got 5"),
        (-1, "n must be a whole number from 0 on, got -1"),
        ("a", "n must be a whole number from 0 on, got 'a'"),
    ],
)
def test_take_refuses_what_is_not_there(scans, n, message):
    with pytest.raises(ValueError, match=message):
        scans.sample(n)


def test_concat_appends(table):
    one, other = table(["A", "B"], ["1", "2"]), table(["B"], class_names=["A", "B"])
    both = one.concat(other)
    assert rows(both) == rows(one) + rows(other)
    assert both.labels.tolist() == [0, 1, 1]
    assert both.patients.tolist() == ["1", "2", None]


def test_concat_refuses_other_classes(table):
    with pytest.raises(ValueError, match=r"got \(A, B\) and \(B, C\)"):
        table(["A", "B"]).concat(table(["B", "C"]))
    with pytest.raises(ValueError, match=r"got \(A\) and no labels"):
        table(["A"]).concat(table([None]))
    with pytest.raises(TypeError, match="appended must be a dataset, got list"):
        table(["A"]).concat([table(["A"])])


def test_with_patients_from_a_list_and_a_function(table, plant):
    scans = table(["A", "A"])
    assert scans.with_patients([7, None]).patients.tolist() == ["7", None]
    assert scans.patients is None
    assert scans.with_patients(lambda name: name.name[-1]).patients.tolist() == ["0", "1"]
    files = load_oct_dataset(plant("CNV/left/a.png", "CNV/right/b.png"))
    assert files.with_patients(lambda path: path.parent.name).patients.tolist() == ["left", "right"]
    with pytest.raises(ValueError, match="2 in all"):
        scans.with_patients(["1"])


def test_split_gives_disjoint_parts_in_order(table):
    scans = table(["A", "B"] * 60, [f"p{number // 3}" for number in range(120)])
    parts = scans.split((0.5, 0.25, 0.25), seed=4)
    assert sorted(name for part in parts for name in part.names) == sorted(scans.names)
    people = [set(part.patients) for part in parts]
    assert not people[0] & people[1]
    assert not people[1] & people[2]
    assert not people[0] & people[2]
    for part in parts:
        assert list(part.names) == [name for name in scans.names if name in set(part.names)]
        assert part.class_names == scans.class_names


def test_seeds_are_zero_by_default(table):
    scans = table(["A", "B"] * 30, [str(number) for number in range(60)])

    def names(parts):
        return [list(part.names) for part in parts]

    assert names(scans.split()) == names(scans.split(seed=0)) != names(scans.split(seed=1))
    tests = [[test for _, test in scans.folds(**seed)] for seed in ({}, {"seed": 0}, {"seed": 1})]
    assert names(tests[0]) == names(tests[1]) != names(tests[2])
    assert names([scans.sample(9)]) == names([scans.sample(9, seed=0)]) != names([scans.sample(9, seed=1)])


def test_split_without_labels(table):
    train, test = table([None] * 10, [str(number) for number in range(10)]).split((0.8, 0.2))
    assert (len(train), len(test)) == (8, 2)


def test_split_by_unknown_patient_says_what_to_do(table):
    scans = table(["A"] * 4, ["1", None, "2", None])
    with pytest.raises(ValueError, match=r"2 of 4 scans have none.*with_patients.*by='scan'"):
        scans.split((0.5, 0.5))
    with pytest.raises(ValueError, match=r"with_patients.*by='scan'"):
        scans.folds(2)
    assert [len(part) for part in scans.split((0.5, 0.5), by="scan")] == [2, 2]
    with pytest.raises(ValueError, match="did you mean 'patient'"):
        scans.split(by="patients")


def test_split_error_names_the_class(table):
    with pytest.raises(ValueError, match="Class B has 2 scans, 3 parts"):
        table(["A", "A", "A", "B", "B"]).split(by="scan")


def test_split_by_scan_places_scans_of_one_name_apart(table):
    scans = table(["A"] * 2).concat(table(["A"] * 2))
    assert sorted(len(part) for part in scans.split((0.25,) * 4, by="scan")) == [1] * 4


def test_folds_test_every_scan_once(table):
    scans = table(["A", "B"] * 30, [f"p{number // 2}" for number in range(60)])
    folds = scans.folds(5, seed=1)
    assert sorted(name for _, test in folds for name in test.names) == sorted(scans.names)
    for train, test in folds:
        assert sorted([*train.names, *test.names]) == sorted(scans.names)
        assert not set(train.patients) & set(test.patients)


def test_columns_must_agree(scans):
    with pytest.raises(ValueError, match="got CNV more than once"):
        dataclasses.replace(scans, class_names=("CNV", "CNV", "DME"))
    with pytest.raises(ValueError, match="positions in the class names, or -1"):
        dataclasses.replace(scans, class_names=("CNV", "DME"))
    with pytest.raises(ValueError, match="both labels and class names, or neither"):
        dataclasses.replace(scans, labels=None)
    with pytest.raises(ValueError, match="a value for each of its 4 names"):
        dataclasses.replace(scans, columns={"eye": np.zeros(3)})


def test_datasets_travel_to_other_processes(scans):
    assert rows(pickle.loads(pickle.dumps(scans))) == rows(scans)  # noqa: S301


def test_real_scans(kermany: Path):
    scans = load_oct_dataset(kermany)
    assert repr(scans).splitlines()[:2] == [
        "OctDataset: 515 scans of 308 patients",
        "scans per class: CNV 132, DME 126, DRUSEN 137, NORMAL 120",
    ]
    few = scans.sample(8, seed=3)
    images = few.images(Preprocessing((60, 80)))
    assert images.shape == (8, 60, 80)
    assert all(image.std() > 5 for image in images)
    for train, test in scans.folds():
        assert not set(train.patients) & set(test.patients)


@given(st.data())
def test_indexing_is_that_of_a_list(table, data):
    scans = table([*"AB", None, *"AB"], ["1", None, "3", "1", "2"], splits=["train", None, "test", "val", None])
    listed = list(scans)
    place = data.draw(st.integers(-5, 4))
    assert scans[place] == scans[np.int64(place)] == listed[place]
    part = data.draw(st.slices(5))
    assert list(scans[part]) == listed[part]
    mask = data.draw(st.lists(st.booleans(), min_size=5, max_size=5))
    assert list(scans[np.array(mask)]) == [scan for scan, chosen in zip(listed, mask, strict=True) if chosen]
    places = data.draw(st.lists(st.integers(-5, 4)))
    assert list(scans[places]) == list(scans[np.array(places, dtype=int)]) == [listed[place] for place in places]
    assert list(scans[places].concat(scans[part])) == list(scans[places]) + listed[part]


def test_indexing_refuses_what_is_not_there(scans):
    with pytest.raises(IndexError, match="got 4"):
        scans[4]
    with pytest.raises(TypeError, match="whole numbers or truth values"):
        scans[["scan0"]]
    with pytest.raises(TypeError, match=r"got 'CNV'. Write scans\[scans.column\('label'\) == 'CNV'\] for a class"):
        scans["CNV"]
    assert scans.shape == (4,)


def test_scikit_learn_divides_a_dataset(table):
    from sklearn.model_selection import GroupKFold, train_test_split
    from sklearn.utils import _safe_indexing

    scans = table(["A", "B"] * 10, [f"p{number // 2}" if number else None for number in range(20)])
    assert list(_safe_indexing(scans, np.array([3, 1]))) == [scans[3], scans[1]]
    assert list(_safe_indexing(scans, [True] + [False] * 19)) == [scans[0]]
    train, test = train_test_split(scans, test_size=0.25, stratify=scans.labels, random_state=0)
    assert isinstance(train, OctDataset)
    assert sorted([*train.names, *test.names]) == sorted(scans.names)
    for chosen, held_out in GroupKFold(3).split(scans, groups=scans.patient_groups()):
        assert not set(scans[chosen].patients) & set(scans[held_out].patients) - {None}


def test_a_scan_without_a_patient_is_a_patient_of_its_own(table):
    scans = table([None] * 5, ["b", None, "a", None, "b"])
    assert scans.patient_groups().tolist() == [0, 1, 2, 3, 0]
    assert table([None] * 2).patient_groups().tolist() == [0, 1]


def test_columns_by_name(scans):
    assert scans.column("label").tolist() == ["CNV", "DME", "CNV", "NORMAL"]
    assert scans.column("patient") is scans.patients
    assert scans.column("eye").tolist() == [None] * 4
    assert scans.column("split").tolist() == ["train", None, "val", "train"]
    assert scans.column("path").tolist() == [None] * 4
    with pytest.raises(ValueError, match="did you mean 'volume'"):
        scans.column("volumes")
    with pytest.raises(TypeError):
        scans.columns["eye"] = scans.names


def test_further_columns_stay_with_their_scans(scans):
    more = dataclasses.replace(scans, columns={"position": np.arange(4), "eye": scans.names})
    assert more[[2, 0]].column("position").tolist() == [2, 0]
    assert (more[2].position, more[2].eye) == (2, "scan2")
    both = more.concat(scans)
    assert both.column("position").tolist() == [0, 1, 2, 3] + [None] * 4
    assert both.column("split").tolist() == [None] * 4 + ["train", None, "val", "train"]
    assert list(more.to_frame().columns) == ["name", "path", "label", "patient", "split", "position", "eye"]


def test_scans_without_a_label_are_divided_but_need_not_be_everywhere(table):
    scans = table(["A", "B"] * 4 + [None], [str(number) for number in range(9)])
    parts = scans.split((0.5, 0.5))
    assert sorted(name for part in parts for name in part.names) == sorted(scans.names)
    assert all({0, 1} <= set(part.labels) for part in parts)
    bare = table([None] * 4, list("abcd"), class_names=["A"])
    assert [len(part) for part in bare.split((0.5, 0.5))] == [2, 2]


def test_classes_can_be_put_into_another_order(table):
    scans = table(["A", None, "B"]).with_class_names(["C", "B", "A"])
    assert scans.labels.tolist() == [2, -1, 1]
    assert [scan.label for scan in scans] == ["A", None, "B"]
    with pytest.raises(UnmatchedClassesError, match="Did you mean 'A' by 'AA'"):
        scans.with_class_names(["AA", "B", "C"])


def test_a_part_without_a_class_is_said(table):
    scans = table([*"AB", *"AC", *"BC"], [*"112233"])
    with pytest.warns(SplitWarning, match=r"Part [12] of 2 has no scan of [ABC]") as seen:
        parts = scans.split((0.5, 0.5), seed=0)
    assert seen[0].filename == __file__
    lacking = [
        f"Part {place} of 2 has no scan of {name}"
        for place, part in enumerate(parts, start=1)
        for number, name in enumerate("ABC")
        if number not in part.labels
    ]
    assert all(text in str(seen[0].message) for text in lacking)
    with pytest.warns(SplitWarning, match=r"The test part of fold [12] of 2 has no scan of"):
        scans.folds(2)


def test_a_sample_shows_every_class_before_scans_without_a_label():
    images = np.arange(12, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), dtype=np.uint8)
    scans = load_oct_dataset((images, ["A", "B", "C", None, None, None] * 2))
    assert [scan.label for scan in scans.sample(3)] == ["A", "B", "C"]
