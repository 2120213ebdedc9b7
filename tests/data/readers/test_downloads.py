"""Downloads: the layout inside is told, and what stays outside is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from octlib.data import load_oct_dataset
from octlib.errors import LayoutWarning, LeftOutWarning


def test_layouts_are_told_apart(plant):
    assert load_oct_dataset(plant("1.png", "2.png", under="flat")).class_names == ()
    assert load_oct_dataset(plant("a/1.png", "b/2.png", under="classes")).class_names == ("a", "b")
    assert load_oct_dataset(plant("val/CNV/1.png", under="splits"))[0].split == "val"


def test_one_folder_of_unknown_name_may_be_no_class(plant, tmp_path):
    root = plant("upload/1.png", "upload/2.png", under="here")
    archive = Path(shutil.make_archive(str(tmp_path / "upload"), "zip", root))
    for source in (root, archive):
        said = r"folders named 'upload', which was taken for their class\. .* load .*upload itself"
        with pytest.warns(LayoutWarning, match=said):
            scans = load_oct_dataset(source)
        assert scans.class_names == ("upload",)
        assert load_oct_dataset(source / "upload").labels is None
        assert load_oct_dataset(source, class_names=["upload", "other"]).labels.tolist() == [0, 0]
        assert load_oct_dataset(source, layout="folders").class_names == ("upload",)
    assert load_oct_dataset(plant("DME/1.png", under="known")).class_names == ("DME",)
    with pytest.warns(LayoutWarning, match="If it is none, choose the layout 'flat'"):
        load_oct_dataset(plant("train/images/1.png", "test/images/2.png", under="splits"))


def test_names_do_not_depend_on_where_the_folder_lies(plant):
    one, other = (load_oct_dataset(plant("a/1.png", "b/c/2.png", under=under)) for under in ("here", "there/deep"))
    assert one.names.tolist() == other.names.tolist() == ["a/1.png", "b/c/2.png"]


def test_what_is_left_out_is_counted_with_an_example(plant, tmp_path):
    for under in ("one", "two"):
        plant("CNV/1.png", "CNV/2.png", under=under)
    with pytest.warns(LeftOutWarning, match=r"Second copies .*one were left out: 2 of 4, such as .*two.CNV.1\.png"):
        assert len(load_oct_dataset(tmp_path)) == 2
