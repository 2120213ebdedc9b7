"""Class folders: the folder is the class, whatever lies in it."""

from __future__ import annotations

import shutil

import pytest

from octlib.data.reader import Wanted
from octlib.data.readers.class_folders import ClassFolders
from octlib.data.tree import read_tree


def read(root):
    return ClassFolders().read(read_tree(root), Wanted())


def test_class_patient_and_name(plant):
    reading = read(plant("wet/wet-P1-1.png", "wet/left eye/3.png", "dry /dry-P1-2.png"))
    assert reading.dataset.class_names == ("dry", "wet")
    assert [(scan.name, scan.label, scan.patient) for scan in reading.dataset] == [
        ("dry /dry-P1-2.png", "dry", "P1"),
        ("wet/wet-P1-1.png", "wet", "P1"),
        ("wet/left eye/3.png", "wet", None),
    ]
    assert not reading.warnings


def test_patient_is_the_bare_number_across_classes(plant):
    reading = read(plant("CNV/CNV-1016042-1.jpeg", "DRUSEN/DRUSEN-1016042-7.jpeg"))
    assert [scan.patient for scan in reading.dataset] == ["1016042", "1016042"]


def test_images_beside_folders_are_remarked_on(plant):
    reading = read(plant("a/x.png", "overview.png"))
    assert len(reading.dataset) == 1
    assert "no class: 1, such as overview.png" in str(reading.warnings[0])


def test_a_copy_in_a_class_folder_is_left_out(plant):
    root = plant("CNV/1.png", "CNV/2.png", "CNV/P1/1.png", "NORMAL/P1/1.png")
    for path in ("CNV/CNV", "CNV/P1/old", "NORMAL/NORMAL"):
        shutil.copytree((root / path).parent, root / "copy")
        (root / "copy").rename(root / path)
    reading = read(root)
    assert reading.dataset.names.tolist() == ["CNV/1.png", "CNV/2.png", "CNV/P1/1.png", "NORMAL/P1/1.png"]
    (warning,) = reading.warnings
    assert "Second copies of images in" in str(warning)
    assert "5 of 9" in str(warning)
    (root / "CNV" / "CNV" / "3.png").write_bytes(b"another scan")  # that no other folder has
    assert len(read(root).dataset) == 8


def test_images_alone_are_refused(plant):
    with pytest.raises(ValueError, match="Choose layout='flat'"):
        read(plant("x.png"))
