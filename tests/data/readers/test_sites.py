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


def test_what_is_no_site_is_said_or_refused(plant):
    root = plant("a/CNV/1.png", "b/CNV/2.png", "overview.png")
    with pytest.warns(LeftOutWarning, match=r"1, such as overview\.png"):
        assert len(load_oct_dataset(root, layout="sites")) == 2
    with pytest.raises(LayoutError, match="images only"):
        load_oct_dataset(root / "a" / "CNV", layout="sites")
    with pytest.raises(LayoutError, match="Class folders must be in"):
        load_oct_dataset(root / "a", layout="sites")
