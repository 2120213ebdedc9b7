"""Home: the data set is found under wrappers and beside copies, and never guessed between two."""

from __future__ import annotations

import pytest

from octlib.data.readers.home import find_homes, read_home
from octlib.data.readers.tree import read_tree


def read(root):
    return read_home(read_tree(root), root)


def test_wrappers_are_passed_through(plant):
    assert [scan.label for scan in read(plant("a/b/c/wet/x.png", "a/b/c/dry/x.png")).scans] == ["dry", "wet"]
    assert [scan.split for scan in read(plant("a/b/test/wet/x.png", under="other")).scans] == ["test"]


def test_single_class_is_a_class(plant):
    assert read(plant("DME/patient/1.png", under="known")).class_names == ("DME",)
    assert read(plant("healthy/1.png", under="unknown")).class_names == ("healthy",)


def test_classes_with_folders_for_patients(plant):
    reading = read(plant("wet/p1/1.png", "wet/p2/1.png", "dry/p3/left/1.png"))
    assert reading.class_names == ("dry", "wet")


def test_unknown_class_beside_known_ones(plant):
    assert read(plant("CNV/1.png", "macular edema/1.png")).class_names == ("CNV", "macular edema")


@pytest.mark.parametrize("copy", ["OCT2017 /OCT2017 ", "oct2017/OCT2017 ", "zcopy"])
def test_second_copies_do_not_double_the_data(plant, copy):
    files = [f"{split}/{name}/{name}-1-1.jpeg" for split in ("train", "test") for name in ("CNV", "DME")]
    plant(*files, under="OCT2017 ")
    root = plant(*files, under=copy).parents[0 if copy == "zcopy" else 1]
    reading = read(root)
    assert len(reading.scans) == 4
    assert not reading.remarks
    assert all(scan.name.startswith("OCT2017 /t") for scan in reading.scans)


def test_copy_inside_class_folders_is_no_class(plant):
    root = plant("CNV/1.png", "DME/1.png", "OCT/CNV/1.png", "OCT/DME/1.png")
    assert [scan.name for scan in read(root).scans] == ["CNV/1.png", "DME/1.png"]


def test_cut_off_copy_does_not_win(plant):
    root = plant("short/CNV/1.png", "much/longer/CNV/1.png", "much/longer/CNV/2.png")
    assert [scan.name for scan in read(root).scans] == ["much/longer/CNV/1.png", "much/longer/CNV/2.png"]


def test_two_data_sets_are_an_error_that_names_both(plant):
    with pytest.raises(ValueError, match=r"one data set, and there are 2 in .*OCTDL'.*OCTID'"):
        read(plant("OCTDL/AMD/1.png", "OCTDL/AMD/3.png", "OCTID/NORMAL/2.png"))


def test_xrays_beside_the_scans_are_skipped(plant):
    root = plant("CellData/OCT/train/CNV/CNV-1-1.jpeg", "CellData/chest_xray/train/NORMAL/IM-1.jpeg")
    reading = read(root)
    assert [scan.name for scan in reading.scans] == ["CellData/OCT/train/CNV/CNV-1-1.jpeg"]
    assert not reading.remarks


def test_images_outside_are_counted(plant):
    reading = read(plant("OCT/train/CNV/1.png", "OCT/figures/a.png", "OCT/b.png", "c.png", "OCT/train/d.png"))
    assert len(reading.scans) == 1
    assert len(reading.remarks) == 2
    assert any("no class: 1, such as d.png" in remark for remark in reading.remarks)
    assert any("Images outside" in remark and "3 of 5" in remark for remark in reading.remarks)


def test_images_beside_unknown_folders_are_ambiguous(plant):
    with pytest.raises(ValueError, match="2 images beside the folders old"):
        read(plant("1.png", "2.png", "old/3.png"))


def test_copies_are_listed_after_the_data_set(plant):
    root = plant("one/CNV/1.png", "two/CNV/1.png")
    assert [home.path.name for home in find_homes(read_tree(root))] == ["one", "two"]
