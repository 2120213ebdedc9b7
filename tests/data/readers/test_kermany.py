"""Kermany: all of its downloads give the same four classes."""

from __future__ import annotations

import pytest

from octlib.data.naming import KERMANY_CLASSES
from octlib.data.readers.kermany import read_kermany
from octlib.data.readers.tree import read_tree


def read(root):
    return read_kermany(read_tree(root), root)


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
    assert len(reading.scans) == 12 * len(splits)
    assert reading.class_names == KERMANY_CLASSES
    assert not reading.remarks
    assert {scan.split for scan in reading.scans} == set(splits)
    assert all(scan.patient for scan in reading.scans)
    assert all(scan.path.is_file() for scan in reading.scans)


def test_one_split_by_itself_has_no_published_splits(kermany_tree, tmp_path):
    kermany_tree("OCT2017 ", ["train", "test"])
    assert {(scan.split, len(scan.name.split("/"))) for scan in read(tmp_path / "OCT2017 " / "train").scans} == {
        (None, 2)
    }


def test_classes_are_all_four_though_one_is_missing(plant):
    assert read(plant("CNV/CNV-1-1.jpeg", "DME/DME-2-1.jpeg")).class_names == KERMANY_CLASSES


def test_other_classes_are_refused(plant):
    with pytest.raises(ValueError, match="has CNV, VID"):
        read(plant("CNV/1.png", "VID/1.png"))
