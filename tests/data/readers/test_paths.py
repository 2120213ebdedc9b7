"""Paths: existing images in the order given."""

from __future__ import annotations

import pytest

from octlib.data import load_oct_dataset
from octlib.data.reader import Wanted
from octlib.data.readers.paths import Paths
from octlib.errors import DuplicateWarning


def read(paths):
    return Paths().read(paths, Wanted()).dataset


def test_order_names_and_patients(plant):
    root = plant("x/b.png", "x/y/CNV-5-1.jpeg")
    scans = read([root / "x/y/CNV-5-1.jpeg", str(root / "x/b.png")])
    assert [(scan.name, scan.patient, scan.label) for scan in scans] == [
        ("y/CNV-5-1.jpeg", "5", None),
        ("b.png", None, None),
    ]


def test_relative_and_absolute_paths_mix(plant, monkeypatch):
    root = plant("a.png", "b.png")
    monkeypatch.chdir(root)
    assert [scan.name for scan in read(["a.png", root / "b.png"])] == ["a.png", "b.png"]


def test_a_file_that_is_named_twice_is_a_warning(plant):
    root = plant("a.png", "b.png")
    with pytest.warns(DuplicateWarning, match=r"in the list: 2 times again, such as .*a\.png"):
        scans = load_oct_dataset([root / "a.png", root / "b.png", f"{root}/./a.png", f"{root}//a.png"])
    assert len(scans) == 4


def test_missing_files_are_counted(plant):
    root = plant("a.png")
    with pytest.raises(FileNotFoundError, match=r"2 of 3 don't, such as .*b\.png"):
        read([root / "a.png", root / "b.png", root / "c.png"])


def test_folders_and_other_files_are_refused(plant):
    root = plant("a.png", "notes.txt")
    with pytest.raises(ValueError, match=r"1 of 2 aren't, such as .*notes\.txt"):
        read([root / "a.png", root / "notes.txt"])
    with pytest.raises(ValueError, match="Load a folder by itself"):
        read([root])
