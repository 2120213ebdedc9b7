"""NEH: slices have labels of their own, and numbers of patients begin anew in every class."""

from __future__ import annotations

import pandas as pd
import pytest

from octlib.data import load_oct_dataset
from octlib.errors import LeftOutWarning


def test_the_slice_is_the_label_and_the_folder_a_column(plant):
    root = plant("CNV/1/OD/003_Normal.jpg", "CNV/1/OS/4_cnv.tif", "DRUSEN/1/OD/001_NORMAL.jpg")
    scans = load_oct_dataset(root)
    assert scans.class_names == ("CNV", "NORMAL")
    assert scans.column("label").tolist() == ["NORMAL", "CNV", "NORMAL"]
    assert scans.column("eye_label").tolist() == ["CNV", "CNV", "DRUSEN"]
    assert scans.patients.tolist() == ["CNV-1", "CNV-1", "DRUSEN-1"]
    assert [(scan.eye, scan.volume, scan.position) for scan in scans] == [
        ("right", "CNV-1-OD", 3),
        ("left", "CNV-1-OS", 4),
        ("right", "DRUSEN-1-OD", 1),
    ]


@pytest.mark.parametrize("beside", ["", "set"])
def test_the_table_tells_the_eye_where_no_folder_does(plant, tmp_path, beside):
    plant("NORMAL/7/001_Normal.jpg", "NORMAL/8/001_Normal.jpg", "NORMAL/9/OD/001_Normal.jpg", under="set")
    rows = {"Directory": ["/NORMAL/7/001_NOrmal.jpg", "NORMAL/9/OD/001_Normal.jpg"], "Eye": ["OS", "OS"]}
    pd.DataFrame(rows).to_csv(tmp_path / beside / "data_information.csv", index=False)
    scans = load_oct_dataset(tmp_path)
    assert scans.column("eye").tolist() == ["left", None, "right"]
    assert scans.column("volume").tolist() == ["NORMAL-7-OS", "NORMAL-8", "NORMAL-9-OD"]


def test_a_table_of_something_else_is_none(plant, tmp_path):
    plant("NORMAL/7/001_Normal.jpg")
    (tmp_path / "data_information.csv").write_bytes(b"\0\xff")
    assert load_oct_dataset(tmp_path).column("eye").tolist() == [None]


def test_images_without_a_label_are_left_out_and_counted(plant):
    root = plant("CNV/1/OD/001_CNV.jpg", "CNV/1/OD/002.jpg", "CNV/2/overview.jpg")
    with pytest.warns(LeftOutWarning, match=r"tell no label were left out: 2 of 3, such as CNV/1/OD/002\.jpg"):
        assert load_oct_dataset(root).names.tolist() == ["CNV/1/OD/001_CNV.jpg"]


def test_class_folders_with_folders_of_patients_are_as_ever(plant):
    scans = load_oct_dataset(plant("CNV/1/a.jpg", "NORMAL/1/001_Normal.jpg"))
    assert scans.column("label").tolist() == ["CNV", "NORMAL"]
    assert scans.patients is None


def test_the_label_of_the_eye_can_be_taken_instead(plant):
    table = load_oct_dataset(plant("CNV/1/OD/003_Normal.jpg", "CNV/1/OD/004_CNV.jpg")).to_frame()
    eyes = load_oct_dataset(table.assign(label=table["eye_label"]))
    assert eyes.column("label").tolist() == ["CNV", "CNV"]
    assert eyes.patients.tolist() == ["CNV-1", "CNV-1"]
