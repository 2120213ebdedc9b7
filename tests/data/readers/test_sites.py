"""Sites: scans and patients of one name at two clinics are two."""

from __future__ import annotations

import pytest

from octlib.data import load_oct_dataset
from octlib.errors import LayoutError, LeftOutWarning


def test_names_patients_and_classes_are_those_of_all_sites(plant):
    root = plant("a/CNV/CNV-1-1.png", "b/scans/CNV/CNV-1-1.png", "b/scans/DME/x.png")
    scans = load_oct_dataset(root, layout="sites")
    assert scans.names.tolist() == ["a/CNV/CNV-1-1.png", "b/scans/CNV/CNV-1-1.png", "b/scans/DME/x.png"]
    assert scans.patients.tolist() == ["a/1", "b/1", None]
    assert scans.column("site").tolist() == ["a", "b", "b"]
    assert [scan.label for scan in scans] == ["CNV", "CNV", "DME"]


def test_patients_are_apart_wherever_they_come_from(plant):
    root = plant("a/CNV/subject_1.png", "b/CNV/subject_1.png", "b/CNV/other.png")
    scans = load_oct_dataset(root, layout="sites", patients=r"subject_(\d+)")
    assert dict(zip(scans.names, scans.patients, strict=True)) == {
        "a/CNV/subject_1.png": "a/1",
        "b/CNV/subject_1.png": "b/1",
        "b/CNV/other.png": None,
    }
    scans = load_oct_dataset(root, layout="sites", patients=lambda path: path.stem)
    assert set(scans.patients) == {"a/subject_1", "b/subject_1", "b/other"}


def test_a_site_may_have_tables_and_volumes_of_its_own(plant, tmp_path):
    for site in ("a", "b"):
        plant("AMD/amd_1.jpg", "NO/no_1.jpg", under=f"{site}/OCTDL")
        rows = ("file_name,disease,patient_id,eye", "amd_1,AMD,7,OD", f"no_1,NO,007,{site}")
        (tmp_path / site / "OCTDL_labels.csv").write_text("\n".join(rows), encoding="utf-8")
    plant("CNV/1/001_CNV.jpg", "CNV/1/002_Normal.jpg", under="c")
    plant("CNV/1/001_CNV.jpg", under="d")
    plant("1.png", "metadata.csv", under="e")
    (tmp_path / "e" / "metadata.csv").write_text("file_name,device\n1.png,X", encoding="utf-8")
    scans = load_oct_dataset(tmp_path, layout="sites")
    assert scans.class_names == ("AMD", "CNV", "NO", "NORMAL")
    assert scans.column("label").tolist() == ["AMD", "NO"] * 2 + ["CNV", "NORMAL", "CNV", None]
    assert scans.patients.tolist()[:4] == ["a/7", "a/007", "b/7", "b/007"]
    assert scans.column("eye").tolist()[:4] == ["right", "a", "right", "b"]
    assert scans.column("volume").tolist() == [None] * 4 + ["c/CNV-1"] * 2 + ["d/CNV-1", None]
    assert scans.column("device").tolist() == [None] * 7 + ["X"]


def test_what_is_no_site_is_said_or_refused(plant):
    root = plant("a/CNV/1.png", "b/CNV/2.png", "overview.png")
    with pytest.warns(LeftOutWarning, match=r"1, such as overview\.png"):
        assert len(load_oct_dataset(root, layout="sites")) == 2
    with pytest.raises(LayoutError, match="images only"):
        load_oct_dataset(root / "a" / "CNV", layout="sites")
    with pytest.raises(LayoutError, match="Class folders must be in"):
        load_oct_dataset(root / "a", layout="sites")
