"""Folders: every layout reads its own kind of tree."""

from __future__ import annotations

import pytest

from octlib.data.readers.folders import FOLDER_LAYOUTS, read_folder


@pytest.mark.parametrize("layout", FOLDER_LAYOUTS)
def test_every_layout_reads_and_refuses_emptiness(plant, layout, tmp_path):
    root = plant("train/CNV/CNV-1-1.jpeg", "train/DME/DME-2-1.jpeg", under="full")
    assert len(read_folder(root, layout).scans) == 2
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="there are none in"):
        read_folder(tmp_path / "empty", layout)


def test_auto_tells_layouts_apart(plant):
    assert read_folder(plant("1.png", "2.png", under="flat"), "auto").class_names == ()
    assert read_folder(plant("a/1.png", "b/2.png", under="classes"), "auto").class_names == ("a", "b")
    assert read_folder(plant("val/a/1.png", under="splits"), "auto").scans[0].split == "val"


def test_names_do_not_depend_on_where_the_folder_lies(plant):
    one, other = (read_folder(plant("a/1.png", "b/c/2.png", under=under), "auto") for under in ("here", "there/deep"))
    assert [scan.name for scan in one.scans] == [scan.name for scan in other.scans] == ["a/1.png", "b/c/2.png"]
