"""Duke: a folder is a subject, a volume and a class."""

from __future__ import annotations

import pytest

from octlib.data import load_oct_dataset
from octlib.errors import LeftOutWarning


def test_slices_know_their_volume_and_their_place(plant):
    root = plant(*(f"Publication_Dataset/DME7/TIFFs/8bitTIFFs/{number}.tif" for number in (1, 2, 10)))
    plant("NORMAL15/TIFFs/8bitTIFFs/001.tif", "AMD10/TIFFs/8bitTIFFs/slice.tif", under="Publication_Dataset")
    scans = load_oct_dataset(root)
    assert scans.class_names == ("AMD", "DME", "NORMAL")
    rows = [(scan.label, scan.patient, scan.volume, scan.position) for scan in scans]
    assert rows == [
        ("AMD", "AMD10", "AMD10", None),
        ("DME", "DME7", "DME7", 1),
        ("DME", "DME7", "DME7", 10),
        ("DME", "DME7", "DME7", 2),
        ("NORMAL", "NORMAL15", "NORMAL15", 1),
    ]


def test_other_versions_of_the_slices_are_left_out(plant):
    root = plant("AMD1/TIFFs/8bitTIFFs/001.tif", "AMD1/TIFFs/16bit/001.tif", "AMD1/001.png")
    with pytest.warns(LeftOutWarning, match="left out: 2 of 3"):
        assert load_oct_dataset(root).names.tolist() == ["AMD1/TIFFs/8bitTIFFs/001.tif"]


def test_folders_without_their_inner_folders_are_classes_as_ever(plant):
    assert load_oct_dataset(plant("AMD1/001.tif", "DME1/001.tif")).class_names == ("AMD1", "DME1")
