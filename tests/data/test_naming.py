"""Naming: patients, splits and junk, read off names."""

from __future__ import annotations

import pytest

from octlib.data.naming import closest, is_image, is_junk, misspelt, patient_of, published_split


@pytest.mark.parametrize(
    ("name", "folder", "patient"),
    [
        ("CNV-1016042-1.jpeg", "CNV", "1016042"),
        ("DRUSEN-1016042-12.jpeg", "DRUSEN", "1016042"),
        ("DME-7-1.jpeg", "CNV", "7"),  # in the wrong folder, and still patient 7
        ("normal-7-1.JPG", None, "7"),
        ("CNV-53018-2 copy.jpeg", "CNV", "53018"),
        ("wet-P07-3.png", "wet", "P07"),
        ("CNV-53018-2 (1).jpeg", "CNV", "53018"),
        ("a.b-x7-1.png", "a.b", "x7"),
        ("axb-x7-1.png", "a.b", None),  # the folder's name is no pattern
        ("CNV-OD-0.png", "CNV", None),  # an eye
        ("CNV-scan-1.png", "CNV", None),
        ("wet-left-1.png", "wet", None),
        ("CNV-2021-03-01.png", "CNV", None),  # a date
        ("wet-2021-03-01.png", "wet", None),
        ("CNV-7-1-mirrored.png", "CNV", None),
        ("wet-P07-3.png", None, None),
        ("wet-P07-3.png", "dry", None),
        ("scan_001.png", "CNV", None),
        ("CNV-1.jpeg", "CNV", None),
    ],
)
def test_patient_of(name, folder, patient):
    assert patient_of(name, folder) == patient


@pytest.mark.parametrize("name", [".DS_Store", "._CNV-1-1.jpeg", "__MACOSX", "chest_xray", "Chest X-Ray", ".git"])
def test_junk(name):
    assert is_junk(name)


@pytest.mark.parametrize("name", ["CNV", "OCT2017 ", "chest", "CNV-1-1.jpeg"])
def test_no_junk(name):
    assert not is_junk(name)


def test_images_by_suffix():
    assert all(map(is_image, ("a.jpeg", "a.JPG", "a.Png", "a.tif", "a.TIFF", "a.bmp", "a.gif", "a.webp")))
    assert not any(map(is_image, ("a.txt", "jpeg", "a.jpeg.zip", "Thumbs.db")))


def test_published_split():
    names = ("train", "Training", "val", "VALID", "validation ", "test", "testing", "CNV", "tests")
    expected = ["train", "train", "val", "val", "val", "test", "test", None, None]
    assert [published_split(name) for name in names] == expected


def test_the_closest_name_whatever_its_case():
    assert closest("drusen ", ("CNV", "DRUSEN")) == "DRUSEN"
    assert closest("VID", ("CNV", "DRUSEN")) is None
    assert closest("VID", ()) is None


def test_misspelt_names_are_asked_about():
    assert misspelt(["CNV", "DNE", "NORMALS"], ["CNV", "DME", "NORMAL"]) == (
        " Did you mean 'DME' by 'DNE'? Did you mean 'NORMAL' by 'NORMALS'?"
    )
    assert misspelt(["CNV", "CNV2"], ["CNV"]) == ""  # CNV itself is given: CNV2 is another class
    assert misspelt(["VID"], ["CNV"]) == ""
