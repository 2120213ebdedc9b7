"""Data frames: a table is a dataset, and a dataset is a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octlib.data import load_oct_dataset, table_problems
from octlib.errors import DuplicateWarning, LayoutError, TableError


@pytest.fixture
def frame(plant):
    root = plant("x/1.png", "x/2.png", "y/3.png")
    return pd.DataFrame(
        {
            "path": [root / "x/1.png", str(root / "x/2.png"), root / "y/3.png"],
            "label": ["DME", None, "CNV"],
            "patient": [12, 12.0, None],
            "eye": ["left", "right", None],
            "position": [3, 4, 5],
            "device": ["a", "b", "c"],
        }
    )


def test_every_column_is_there(frame):
    scans = load_oct_dataset(frame)
    assert scans.names.tolist() == ["x/1.png", "x/2.png", "y/3.png"]
    assert (scans.labels.tolist(), scans.class_names) == ([1, -1, 0], ("CNV", "DME"))
    assert scans.patients.tolist() == ["12", "12", None]
    assert scans.column("eye").tolist() == ["left", "right", None]
    assert scans.column("position").tolist() == [3, 4, 5]
    assert scans.column("device").tolist() == ["a", "b", "c"]
    assert (scans[1].eye, scans[1].position, scans[1].volume, scans[1].label) == ("right", 4, None, None)
    assert scans.images(4).shape == (3, 4, 4)


def test_names_splits_and_class_names_can_be_given(frame):
    given = frame.assign(name=["a", "b", "c"], split=["training", None, "Test"])
    scans = load_oct_dataset(given, class_names=["DRUSEN", "DME", "CNV"])
    assert scans.names.tolist() == ["a", "b", "c"]
    assert scans.column("split").tolist() == ["train", None, "test"]
    assert scans.labels.tolist() == [1, -1, 2]
    assert load_oct_dataset(given, split="test").names.tolist() == ["c"]


def test_patients_come_from_the_names_of_files_unless_a_column_says_them(plant):
    path = plant("CNV-53018-1.png") / "CNV-53018-1.png"
    assert load_oct_dataset(pd.DataFrame({"path": [path]})).patients.tolist() == ["53018"]
    assert load_oct_dataset(pd.DataFrame({"path": [path], "patient": [None]})).patients is None


def test_labels_may_be_numbers(frame):
    scans = load_oct_dataset(frame.assign(label=[1, None, 0]), class_names=("CNV", "DME"))
    assert scans.labels.tolist() == [1, -1, 0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda frame: frame.drop(columns="path"), TableError, "column 'path', and it has label, patient"),
        (lambda frame: frame.assign(path=[None, " ", frame.path[0]]), TableError, "has no path in rows 0, 1"),
        (lambda frame: frame.assign(path="gone.png"), TableError, r"no such file in rows 0, 1, 2, such as gone\.png"),
        (lambda frame: frame.assign(path=__file__), TableError, r"no image, by the end of its name in rows 0, 1, 2"),
        (lambda frame: pd.concat([frame, frame[["eye"]]], axis=1), TableError, "eye is there more than once"),
        (lambda frame: frame.assign(label=[0.5, 1, 2]), TypeError, "whole numbers, got float64"),
    ],
)
def test_other_tables_are_refused(frame, change, error, message):
    with pytest.raises(error, match=message):
        load_oct_dataset(change(frame))


ROWS = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.sampled_from([None, "A", "B"]),
        st.sampled_from([None, "1", "p2"]),
        st.sampled_from([None, "train", "test"]),
        st.sampled_from(["left", None]),
        st.integers(-3, 3),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.filterwarnings("ignore::octlib.errors.DuplicateWarning")  # where one part is put behind another
@given(ROWS, st.permutations(["A", "B", "C"]), st.integers(0, 7))
def test_a_dataset_comes_back_from_its_table(rows, classes, cut):
    names, labels, patients, splits, eyes, positions = map(list, zip(*rows, strict=True))
    given = {
        "path": [f"{__file__}.{number}.png" for number in range(len(rows))],
        "name": names,
        "label": pd.Categorical(labels, categories=classes),
        "patient": patients,
        "split": splits,
        "eye": eyes,
        "position": positions,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_problems, "missing_files", lambda files: set())
        patch.setattr("octlib.data.loading._leaks", lambda dataset: [])
        patch.setattr("octlib.data.loading._require_labels_in_all", lambda dataset, published: None)
        scans = load_oct_dataset(pd.DataFrame(given))
        for part in (scans, scans[cut:] if cut < len(scans) else scans, scans.concat(scans[::2])):
            again = load_oct_dataset(part.to_frame())
            assert list(again) == list(part)
            assert again.class_names == part.class_names == tuple(classes)
            pd.testing.assert_frame_equal(again.to_frame(), part.to_frame())


def test_a_table_without_labels_comes_back(plant):
    scans = load_oct_dataset(plant("CNV-1-1.png", "b.png"))
    again = load_oct_dataset(scans.to_frame())
    assert list(again) == list(scans)
    assert again.labels is None
    assert np.array_equal(again.patients, scans.patients)


def test_a_table_comes_back_from_a_file(plant, tmp_path):
    names = [f"CNV-{number}-1.png" for number in range(3)]
    files = [plant(*names) / name for name in names]
    scans = load_oct_dataset(pd.DataFrame({"path": files, "label": ["A", "B", "A"]}))
    scans.to_frame().to_csv(tmp_path / "scans.csv", index=False)
    back = load_oct_dataset(pd.read_csv(tmp_path / "scans.csv"))
    assert [scan.split for scan in back] == [None] * 3
    assert back.patients.tolist() == scans.patients.tolist()
    with pytest.raises(LayoutError, match="no published splits"):
        load_oct_dataset(pd.read_csv(tmp_path / "scans.csv"), split="test")


def test_a_file_has_one_label(frame):
    with pytest.raises(TableError, match=r"a file with several labels in rows 3, 4, 5, such as .*1\.png"):
        load_oct_dataset(pd.concat([frame, frame.assign(label="X")], ignore_index=True))


def test_a_file_that_is_named_twice_is_two_scans_and_a_warning(frame):
    with pytest.warns(DuplicateWarning, match="in the table: 1 times again, such as row 3, .*2.png"):
        scans = load_oct_dataset(pd.concat([frame, frame[1:2]], ignore_index=True))
    assert len(scans) == 4


def test_all_problems_are_told_at_once(frame):
    rows = [frame, frame.assign(label="DNE"), frame.assign(path="gone.png", label="CNV"), frame.assign(path=None)]
    with pytest.raises(TableError) as raised:
        load_oct_dataset(pd.concat(rows, ignore_index=True), class_names=("CNV", "DME"))
    for part in (
        "no path in rows 9, 10, 11;",
        "no such file in rows 6, 7, 8, such as gone.png;",
        "a label that is none of the class names in rows 3, 4, 5, such as 'DNE';",
        "a file with several labels in rows 3, 4, 5,",
    ):
        assert part in str(raised.value)
