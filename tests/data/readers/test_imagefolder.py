"""Image folder: a metadata file describes the images, its columns stay, and folders stand in for labels."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from octlib.data import load_oct_dataset
from octlib.data.readers.imagefolder import ImageFolder
from octlib.data.tree import read_tree
from octlib.errors import LayoutError, LayoutWarning


def describe(folder, **columns):
    pd.DataFrame(columns).to_csv(folder / "metadata.csv", index=False)


def test_columns_stay(plant):
    root = plant("images/1.png", "images/2.png")
    describe(
        root,
        file_name=["images/2.png", r".\images\1.png"],
        Label=["DME", None],
        patient_id=["007", "7"],
        split=["training", "test"],
        eye=["OD", None],
        thickness=[250.5, 300],
        path=["x", "y"],
    )
    scans = load_oct_dataset(root, split="train")
    assert scans.names.tolist() == ["images/2.png"]
    with pytest.raises(LayoutError, match="test has none"):
        load_oct_dataset(root)
    assert next(iter(scans)).eye == "right"
    assert scans.patients.tolist() == ["007"]
    assert scans.column("thickness").tolist() == [250.5]
    assert scans.column("table_path").tolist() == ["x"]


def test_numbers_count_through_class_names(plant):
    root = plant("1.png", "2.png")
    describe(root, file_name=["1.png", "2.png"], label=[1, 0])
    assert load_oct_dataset(root).class_names == ("0", "1")
    scans = load_oct_dataset(root, class_names=["NORMAL", "DME"])
    assert scans.column("label").tolist() == ["DME", "NORMAL"]


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("wet/1.png", "dry/2.png"), ["dry", "wet"]),
        (("test/wet/1.png", "train/dry/2.png"), ["wet", "dry"]),
        (("test/1.png", "train/2.png"), [None, None]),
        (("CNV/1.png", "CNV/2.png"), ["CNV", "CNV"]),
        (("images/1.png", "images/2.png"), [None, None]),
        (("a/1.png", "b/c/2.png"), [None, None]),
        (("a/1.png", "2.png"), [None, None]),
    ],
)
def test_folders_are_classes_where_they_are_told_apart(plant, names, labels):
    root = plant(*names)
    describe(root, file_name=names, thickness=[1, 2])
    assert load_oct_dataset(root).column("label").tolist() == labels


def test_each_split_has_its_own_file(plant):
    root = plant("data/train/1.png", "data/validation/1.png", "data/validation/2.png", "data/card/x.png")
    describe(root / "data/train", file_name=["1.png"], label=["DME"], n=[1])
    rows = [{"file_name": "1.png", "label": "CNV", "n": 2}, {"file_name": "2.png", "label": "CNV", "n": 3}]
    text = "\n\n".join(map(json.dumps, rows))
    (root / "data/validation/metadata.jsonl").write_text(text)
    with pytest.warns(UserWarning, match="outside of the data set in .* left out: 1 of 4"):
        scans = load_oct_dataset(root)
    assert [(scan.name, scan.split, scan.label) for scan in scans] == [
        ("data/train/1.png", "train", "DME"),
        ("data/validation/1.png", "val", "CNV"),
        ("data/validation/2.png", "val", "CNV"),
    ]
    assert scans.column("n").tolist() == [1, 2, 3]
    assert scans.column("n").dtype.kind == "i"


def test_a_split_without_a_file_is_remarked_on(plant):
    root = plant("train/1.png", "test/1.png")
    describe(root / "train", file_name=["1.png"], device=["a"])
    with pytest.warns(LayoutWarning, match="1 images have no row, since there is neither metadata.csv nor"):
        assert load_oct_dataset(root).column("device").tolist() == ["a", None]


def test_rows_and_images_that_do_not_meet_are_counted(plant):
    root = plant("a.png", "b.png")
    describe(root, file_name=["a.png", "../../etc/passwd.png", "/abs.png"], label=["x", "y", "z"])
    with pytest.warns(LayoutWarning) as seen:
        scans = load_oct_dataset(root)
    assert [str(each.message).partition(",")[0].partition(" in /")[0] for each in seen] == [
        "1 of 2 images have no row",
        "2 of 3 rows",
    ]
    assert scans.column("label").tolist() == ["x", None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"file_name": "a.png"}\n[1]\n', "line 2 is no object"),
        ('{"file_name": "a.png"}\n{"file', "must be a table in UTF-8, and can't be read"),
        ('{"file_name": "a.png"}\n' + "[" * 100_000, "must be a table in UTF-8, and can't be read"),
        ('{"file_name": "a.png", "x": 1}\n{"file_name": "./a.png", "x": 2}', "1 images have several, such as a.png"),
    ],
)
def test_damaged_lines_are_refused(plant, text, message):
    root = plant("a.png")
    (root / "metadata.jsonl").write_text(text)
    with pytest.raises(LayoutError, match=message):
        load_oct_dataset(root)


def test_two_files_are_refused(plant):
    root = plant("a.png")
    describe(root, file_name=["a.png"])
    (root / "metadata.jsonl").write_text('{"file_name": "a.png"}')
    with pytest.raises(LayoutError, match="must have one metadata file"):
        load_oct_dataset(root)


@pytest.mark.filterwarnings("ignore:A table that seems to list images:octlib.errors.LayoutWarning")
@pytest.mark.parametrize("content", [b"", b"\0\xff", b"image,label\na.png,x\n", b"x" * (1 << 21)])
def test_other_files_of_that_name_are_none(plant, content):
    root = plant("CNV/a.png")
    for name in ("metadata.csv", "metadata.jsonl"):
        (root / name).write_bytes(content)
    (root / "CNV" / "metadata.csv").symlink_to("gone")
    (root / "CNV" / "metadata.jsonl").mkdir()
    assert not ImageFolder().matches(read_tree(root))
    assert load_oct_dataset(root).class_names == ("CNV",)
