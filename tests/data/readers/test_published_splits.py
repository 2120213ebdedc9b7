"""Published splits: three folders, under whichever of their names."""

from __future__ import annotations

import pytest

from octlib.data.readers.published_splits import read_published_splits
from octlib.data.readers.tree import read_tree


def read(root):
    return read_published_splits(read_tree(root), root)


def test_splits_come_in_order_under_plain_names(plant):
    reading = read(plant("testing/B/x.png", "Valid/A/y.png", "train /A/z.png"))
    assert [(scan.split, scan.label, scan.name) for scan in reading.scans] == [
        ("train", "A", "train /A/z.png"),
        ("val", "A", "Valid/A/y.png"),
        ("test", "B", "testing/B/x.png"),
    ]
    assert reading.class_names == ("A", "B")


def test_split_without_class_folders_has_no_labels(plant):
    reading = read(plant("test/CNV-4-1.jpeg"))
    assert [(scan.label, scan.patient) for scan in reading.scans] == [(None, "4")]
    assert reading.class_names == ()


def test_images_beside_classes_are_remarked_on(plant):
    assert "overview.png" in read(plant("test/A/x.png", "test/overview.png")).remarks[0]


def test_other_folders_are_listed(plant):
    with pytest.raises(ValueError, match="and there are A, B"):
        read(plant("A/x.png", "B/x.png"))
