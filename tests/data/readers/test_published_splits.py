"""Published splits: three folders, under whichever of their names."""

from __future__ import annotations

import pytest

from octlib.data import load_oct_dataset
from octlib.data.reader import Wanted
from octlib.data.readers.published_splits import PublishedSplits
from octlib.data.tree import read_tree
from octlib.errors import LayoutError


def read(root):
    return PublishedSplits().read(read_tree(root), Wanted())


def test_splits_come_in_order_under_plain_names(plant):
    reading = read(plant("testing/B/x.png", "Valid/A/y.png", "train /A/z.png"))
    assert [(scan.split, scan.label, scan.name) for scan in reading.dataset] == [
        ("train", "A", "train /A/z.png"),
        ("val", "A", "Valid/A/y.png"),
        ("test", "B", "testing/B/x.png"),
    ]
    assert reading.dataset.class_names == ("A", "B")


@pytest.mark.parametrize("names", [("CNV", "NORMAL"), ("dry", "wet")])
@pytest.mark.parametrize("inner", [("train", "test"), ("images", "images"), ("train/images", "test/images")])
def test_classes_are_found_under_wrappers_in_each_split(plant, names, inner):
    folders = [f"{split}/{part}/{name}" for split, part in zip(("train", "test"), inner, strict=True) for name in names]
    reading = read(plant(*(f"{folder}/{folder.rpartition('/')[2]}-7-1.png" for folder in folders)))
    assert reading.dataset.class_names == names
    assert reading.dataset.column("label").tolist() == [*names, *names]
    assert reading.dataset.column("split").tolist() == ["train"] * 2 + ["test"] * 2
    assert set(reading.dataset.patients) == {"7"}
    assert not reading.warnings


def test_folders_of_patients_are_no_classes(plant):
    reading = read(plant("train/wet/P1/1.png", "train/wet/P2/1.png", "test/wet/P3/1.png"))
    assert reading.dataset.class_names == ("wet",)
    reading = read(plant("train/wet/P1/1.png", "train/dry/P2/1.png", "test/wet/P3/1.png", under="two"))
    assert reading.dataset.class_names == ("dry", "wet")


@pytest.mark.parametrize("names", [("CNV", "NORMAL"), ("dry", "wet")])
def test_a_copy_in_a_split_is_left_out(plant, names):
    files = [f"{name}/{number}.png" for name in names for number in range(2)]
    root = plant(*(f"train/{file}" for file in files))
    plant(*files, under="train/train")
    reading = read(root)
    assert reading.dataset.class_names == names
    assert reading.dataset.names.tolist() == [f"train/{file}" for file in files]
    (warning,) = reading.warnings
    assert "Second copies of images in" in str(warning)
    assert f"4 of 8, such as {root / 'train' / 'train' / files[0]}" in str(warning)


def test_other_scans_of_the_same_classes_in_a_split_are_no_copy(plant):
    with pytest.raises(LayoutError, match=r"one data set, and there are 2 in .*train"):
        read(plant("train/CNV/1.png", "train/more/CNV/1.png", "train/more/CNV/2.png"))


def test_a_wrapper_may_be_named_as_a_split(plant):
    scans = load_oct_dataset(plant("train/train/CNV/1.png", "train/test/CNV/2.png"))
    assert scans.class_names == ("CNV",)
    assert scans.column("split").tolist() == ["train", "test"]


def test_split_without_class_folders_has_no_labels(plant):
    reading = read(plant("test/CNV-4-1.jpeg"))
    assert [(scan.label, scan.patient) for scan in reading.dataset] == [(None, "4")]
    assert reading.dataset.class_names == ()


def test_images_beside_classes_are_remarked_on(plant):
    assert "overview.png" in str(read(plant("test/A/x.png", "test/overview.png")).warnings[0])


def test_other_folders_are_listed(plant):
    with pytest.raises(ValueError, match="and there are A, B"):
        read(plant("A/x.png", "B/x.png"))
