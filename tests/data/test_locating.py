"""Locating: the data set is found under wrappers and beside copies, and never guessed between two."""

from __future__ import annotations

import shutil

import pytest

from octlib.data import locating
from octlib.data.locating import is_copy, locate_data_set
from octlib.data.reader import Wanted
from octlib.data.readers.downloads import Downloads
from octlib.data.tree import read_tree
from octlib.errors import LayoutError


def read(root):
    return Downloads().read(read_tree(root), Wanted())


def test_wrappers_are_passed_through(plant):
    assert [scan.label for scan in read(plant("a/b/c/wet/x.png", "a/b/c/dry/x.png")).dataset] == ["dry", "wet"]
    assert [scan.split for scan in read(plant("a/b/test/wet/x.png", under="other")).dataset] == ["test"]


def test_single_class_is_a_class(plant):
    assert read(plant("DME/patient/1.png", under="known")).dataset.class_names == ("DME",)
    assert read(plant("healthy/1.png", under="unknown")).dataset.class_names == ("healthy",)


def test_classes_with_folders_for_patients(plant):
    reading = read(plant("wet/p1/1.png", "wet/p2/1.png", "dry/p3/left/1.png"))
    assert reading.dataset.class_names == ("dry", "wet")


def test_unknown_class_beside_known_ones(plant):
    assert read(plant("CNV/1.png", "macular edema/1.png")).dataset.class_names == ("CNV", "macular edema")


@pytest.mark.parametrize("copy", ["OCT2017 /OCT2017 ", "oct2017/OCT2017 ", "zcopy"])
def test_second_copies_do_not_double_the_data(plant, tmp_path, copy):
    files = [f"{split}/{name}/{name}-1-1.jpeg" for split in ("train", "test") for name in ("CNV", "DME")]
    plant(*files, under="OCT2017 ")
    plant(*files, under=copy)
    reading = read(tmp_path)
    assert len(reading.dataset) == 4
    assert all(scan.name.startswith("OCT2017 /t") for scan in reading.dataset)
    (warning,) = reading.warnings
    assert "Second copies" in str(warning)
    assert "4 of 8" in str(warning)
    assert f"{tmp_path / copy}" in str(warning)


def test_copy_inside_class_folders_is_no_class(plant):
    root = plant("CNV/1.png", "DME/1.png")
    plant("CNV/1.png", "DME/1.png", under="OCT")
    assert [scan.name for scan in read(root).dataset] == ["CNV/1.png", "DME/1.png"]


def test_cut_off_copy_does_not_win(plant, tmp_path):
    plant("CNV/1.png", under="short")
    plant("CNV/1.png", "CNV/2.png", under="much/longer")
    assert [scan.name for scan in read(tmp_path).dataset] == ["much/longer/CNV/1.png", "much/longer/CNV/2.png"]


def test_sites_that_name_their_scans_alike_are_no_copies(plant, tmp_path):
    names = [f"CNV/{number}.png" for number in range(6)]
    plant(*names, under="a")
    plant("DME/0.png", *names, under="b")  # other scans under the same names
    (tmp_path / "b" / "DME" / "0.png").unlink()
    with pytest.raises(LayoutError, match=r"one data set, and there are 2 in .*/a'.*/b'"):
        read(tmp_path)


def test_a_copy_is_one_by_size_and_content(plant, tmp_path):
    plant("CNV/1.png", "CNV/2.png", under="a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    changed = tmp_path / "b" / "CNV" / "2.png"
    content = changed.read_bytes()

    def copied():
        return is_copy(read_tree(tmp_path / "b"), read_tree(tmp_path / "a"))

    assert copied()
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert not copied()
    changed.write_bytes(content + b"0")
    assert not copied()
    changed.unlink()
    assert copied()
    shutil.copy(tmp_path / "a" / "CNV" / "1.png", tmp_path / "b" / "CNV" / "3.png")
    assert not copied()


def test_of_many_files_some_are_read_and_no_size_is_believed_unseen(plant, tmp_path, monkeypatch):
    names = [f"CNV/{number:02}.png" for number in range(20)]
    monkeypatch.setattr(locating, "COMPARED", 4)
    plant(*names, under="a")
    plant(*names[1:], names[0], under="b")  # of the same sizes, each with the content of the next
    assert not is_copy(read_tree(tmp_path / "b"), read_tree(tmp_path / "a"))
    shutil.rmtree(tmp_path / "b")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert is_copy(read_tree(tmp_path / "b"), read_tree(tmp_path / "a"))
    with (tmp_path / "b" / "CNV" / "13.png").open("ab") as file:
        file.write(b"0")
    assert not is_copy(read_tree(tmp_path / "b"), read_tree(tmp_path / "a"))


def test_two_data_sets_are_an_error_that_names_both(plant):
    with pytest.raises(ValueError, match=r"one data set, and there are 2 in .*OCTDL'.*OCTID'"):
        read(plant("OCTDL/AMD/1.png", "OCTDL/AMD/3.png", "OCTID/NORMAL/2.png"))


def test_xrays_beside_the_scans_are_skipped(plant):
    root = plant("CellData/OCT/train/CNV/CNV-1-1.jpeg", "CellData/chest_xray/train/NORMAL/IM-1.jpeg")
    reading = read(root)
    assert [scan.name for scan in reading.dataset] == ["CellData/OCT/train/CNV/CNV-1-1.jpeg"]
    assert not reading.warnings


def test_images_outside_are_counted(plant):
    reading = read(plant("OCT/train/CNV/1.png", "OCT/figures/a.png", "OCT/b.png", "c.png", "OCT/train/d.png"))
    assert len(reading.dataset) == 1
    assert len(reading.warnings) == 2
    assert any("no class: 1, such as d.png" in str(warning) for warning in reading.warnings)
    assert any("Images outside" in str(warning) and "3 of 5" in str(warning) for warning in reading.warnings)


def test_images_beside_unknown_folders_are_ambiguous(plant):
    with pytest.raises(ValueError, match="2 images beside the folders old"):
        read(plant("1.png", "2.png", "old/3.png"))


def test_copies_are_told_from_the_data_set(plant, tmp_path):
    for under in ("one", "two"):
        plant("CNV/1.png", under=under)
    located = locate_data_set(read_tree(tmp_path))
    assert located.folder.path.name == "one"
    assert [copy.path.name for copy in located.copies] == ["two"]
