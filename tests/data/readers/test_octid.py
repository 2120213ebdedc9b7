"""OCTID: the class is in the name of the image, whether or not there are folders."""

from __future__ import annotations

from octlib.data import load_oct_dataset
from octlib.data.readers.octid import Octid
from octlib.data.tree import read_tree

CLASSES = ("AMRD", "CSR", "DR", "MH", "NORMAL")


def test_one_folder_of_all_classes_has_labels(plant):
    scans = load_oct_dataset(plant(*(f"{name}{number}.jpeg" for name in CLASSES for number in (1, 20))))
    assert scans.class_names == CLASSES
    assert scans.column("label").tolist() == [name for name in CLASSES for _ in range(2)]
    assert scans.patients is None


def test_a_stray_beside_the_classes_is_left_out(plant, recwarn):
    scans = load_oct_dataset(plant("DR/DR1.jpeg", "MH/MH1.jpeg", "overview.png"))
    assert scans.class_names == ("DR", "MH")
    assert "outside of the data set" in str(recwarn.pop().message)


def test_others_are_not_claimed(plant):
    for number, names in enumerate(
        (
            ("NORMAL/NORMAL2-IM-1-1.jpeg", "DR/DR1.jpeg"),
            ("NORMAL/NORMAL1.jpeg",),
            ("DR/DR1.jpeg", "MH/DR2.jpeg"),
            ("DR1.jpeg", "MH1.jpeg"),
            ("DR/p1/DR1.jpeg", "MH/MH1.jpeg"),
        )
    ):
        assert not Octid().matches(read_tree(plant(*names, under=str(number))))
