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
        (
            '{"file_name": "a.png"}\n\n{"file',
            "must be a table in UTF-8, and can't be read: line 3 is no JSON .*character 2",
        ),
        ('{"file_name": "a.png"}\n' + "[" * 100_000, "must be a table in UTF-8, and can't be read: line 2 is no JSON"),
        ('{"file_name": "a.png"}\n{"file_name": "\udcff.png"}', "can't be read: line 2 is no UTF-8"),
        ("not json\n{}", r"metadata\.jsonl must be a table in UTF-8, and can't be read: line 1 is no JSON"),
        ("[1]", "line 1 is no object"),
        ("\n", "it is empty"),
        ('{"file_name": "a.png", "x": 1}\n{"file_name": "./a.png", "x": 2}', "1 images have several, such as a.png"),
    ],
)
def test_damaged_lines_are_refused(plant, text, message):
    root = plant("a.png")
    (root / "metadata.jsonl").write_text(text, errors="surrogateescape")
    with pytest.raises(LayoutError, match=message):
        load_oct_dataset(root)


@pytest.mark.parametrize(
    "content", [b"", b"\0\xff", b"x" * (1 << 21), "file_name,label\na.png,\xd6dem".encode("cp1252")]
)
def test_a_damaged_table_is_not_passed_over(plant, content):
    root = plant("CNV/a.png")
    (root / "metadata.csv").write_bytes(content)
    with pytest.raises(LayoutError, match=r"metadata\.csv must be a table in UTF-8, and can't be read: .* move it out"):
        load_oct_dataset(root)
    assert load_oct_dataset(root, layout="folders").class_names == ("CNV",)


def test_a_label_may_be_called_none_and_numbers_may_be_names(plant):
    root = plant("a.png", "b.png", "c.png")
    for labels, class_names, expected in (
        (["None", "NA", "null"], None, ["None", None, "null"]),
        (["1", "", "0"], ["1", "0"], ["1", None, "0"]),
        (["1.0", "", "0.0"], ["CNV", "DME"], ["DME", None, "CNV"]),
    ):
        describe(root, file_name=["a.png", "b.png", "c.png"], label=labels)
        assert load_oct_dataset(root, class_names=class_names).column("label").tolist() == expected


@pytest.mark.parametrize("label", ["3", "-1", "[0, 1]", "0.5"])
def test_labels_that_can_not_be_taken_are_named(plant, label):
    root = plant("a.png", "b.png")
    (root / "metadata.jsonl").write_text(
        f'{{"file_name": "a.png", "label": {label}}}\n{{"file_name": "b.png", "label": 0}}'
    )
    with pytest.raises((TypeError, ValueError), match=r"The column label of .*metadata\.jsonl .*got "):
        load_oct_dataset(root, class_names=["CNV", "DME"])


def test_large_identities_stay_apart_where_a_row_is_missing(plant):
    root = plant("a.png", "b.png", "c.png", "d.png")
    rows = [{"file_name": f"{name}.png", "patient": 2**53 + number} for number, name in enumerate("ab")]
    rows += [{"file_name": "c.png", "patient": 12.0}, {"file_name": "d.png"}]
    (root / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert load_oct_dataset(root).patients.tolist() == [str(2**53), str(2**53 + 1), "12", None]


def test_two_files_are_refused(plant):
    root = plant("a.png")
    describe(root, file_name=["a.png"])
    (root / "metadata.jsonl").write_text('{"file_name": "a.png"}')
    with pytest.raises(LayoutError, match="must have one metadata file"):
        load_oct_dataset(root)


@pytest.mark.filterwarnings("ignore:A table that seems to list images:octlib.errors.LayoutWarning")
def test_other_files_of_that_name_are_none(plant):
    root = plant("CNV/a.png")
    (root / "metadata.csv").write_text("image,label\na.png,x\n")
    (root / "metadata.jsonl").write_text('{"image": "a.png"}\n')
    (root / "CNV" / "metadata.csv").symlink_to("gone")
    (root / "CNV" / "metadata.jsonl").mkdir()
    assert not ImageFolder().matches(read_tree(root))
    assert load_oct_dataset(root).class_names == ("CNV",)
