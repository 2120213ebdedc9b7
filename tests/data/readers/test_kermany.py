"""Kermany: all of its downloads give the same four classes."""

from __future__ import annotations

import pytest

from octlib.data.naming import KERMANY_CLASSES
from octlib.data.reader import Wanted
from octlib.data.readers.kermany import Kermany
from octlib.data.tree import read_tree


def read(root):
    return Kermany().read(read_tree(root), Wanted())


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (["OCT2017"], ["train", "test"]),
        (["CellData/OCT"], ["train", "test"]),
        (["OCT2017 ", "oct2017/OCT2017 "], ["train", "val", "test"]),
        (["OCT2017 "], ["test"]),
    ],
    ids=["v2", "v3", "kaggle", "one split"],
)
def test_downloads(kermany_tree, plant, litter, tmp_path, folders, splits):
    for folder in folders:
        kermany_tree(f"root/{folder}", splits)
        litter(f"root/{folder}")
    plant("CellData/chest_xray/test/NORMAL/NORMAL2-IM-1-1.jpeg", "__MACOSX/OCT/CNV/CNV-3-1.jpeg", under="root")
    reading = read(tmp_path / "root")
    assert len(reading.dataset) == 12 * len(splits)
    assert reading.dataset.class_names == KERMANY_CLASSES
    copies = [str(warning) for warning in reading.warnings]
    assert len(copies) == len(folders) - 1
    assert all(f"left out: {12 * len(splits)} of {24 * len(splits)}" in copy for copy in copies)
    assert {scan.split for scan in reading.dataset} == set(splits)
    assert all(scan.patient for scan in reading.dataset)
    assert all(scan.path.is_file() for scan in reading.dataset)


def test_one_split_by_itself_has_no_published_splits(kermany_tree, tmp_path):
    kermany_tree("OCT2017 ", ["train", "test"])
    assert {(scan.split, len(scan.name.split("/"))) for scan in read(tmp_path / "OCT2017 " / "train").dataset} == {
        (None, 2)
    }


def test_classes_are_all_four_though_one_is_missing(plant):
    assert read(plant("CNV/CNV-1-1.jpeg", "DME/DME-2-1.jpeg")).dataset.class_names == KERMANY_CLASSES


def test_other_classes_are_refused(plant):
    with pytest.raises(ValueError, match="has CNV, VID"):
        read(plant("CNV/1.png", "VID/1.png"))
