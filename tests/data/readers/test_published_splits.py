"""Published splits: three folders, under whichever of their names."""

from __future__ import annotations

import pytest

from octlib.data.reader import Wanted
from octlib.data.readers.published_splits import PublishedSplits
from octlib.data.tree import read_tree


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


def test_split_without_class_folders_has_no_labels(plant):
    reading = read(plant("test/CNV-4-1.jpeg"))
    assert [(scan.label, scan.patient) for scan in reading.dataset] == [(None, "4")]
    assert reading.dataset.class_names == ()


def test_images_beside_classes_are_remarked_on(plant):
    assert "overview.png" in str(read(plant("test/A/x.png", "test/overview.png")).warnings[0])


def test_other_folders_are_listed(plant):
    with pytest.raises(ValueError, match="and there are A, B"):
        read(plant("A/x.png", "B/x.png"))
