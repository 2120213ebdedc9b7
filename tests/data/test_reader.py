"""Reader: one class in one file is all that a layout takes."""

from __future__ import annotations

import sys
from importlib import invalidate_caches

import pytest

from octlib.data import layouts, load_oct_dataset, readers
from octlib.data.reader import dataset_of_files
from octlib.errors import LayoutError

# A layout in which the patient is a folder below the class, and a file says so.
SOURCE = """
from octlib.data.reader import Reader, Reading, dataset_of_files
from octlib.data.tree import Folder

class Nested(Reader):
    layout = "nested"
    takes = Folder

    def matches(self, source):
        return isinstance(source, Folder) and (source.path / "nested.txt").exists()

    def read(self, source, wanted):
        rows = ((name, path, *name.split("/")[:2], None) for name, path in source.walk(source.path))
        return Reading(dataset_of_files(rows, sorted(each.name for each in source.folders)))
"""


@pytest.fixture
def add(tmp_path_factory, monkeypatch):
    """Add a file to the package of readers."""
    folder = tmp_path_factory.mktemp("readers")
    monkeypatch.setattr(readers, "__path__", [*readers.__path__, str(folder)])

    def write(name, text):
        monkeypatch.delitem(sys.modules, f"octlib.data.readers.{name}", raising=False)
        (folder / f"{name}.py").write_text(text)
        invalidate_caches()

    return write


def test_a_reader_is_one_file(plant, add):
    root = plant("CNV/p1/1.png", "CNV/p2/1.png", "DME/p1/1.png", "nested.txt")
    assert load_oct_dataset(root).patients is None
    add("nested", SOURCE)
    assert "nested" in layouts()
    for layout in ("auto", "nested"):
        scans = load_oct_dataset(root, layout=layout)
        assert scans.patients.tolist() == ["p1", "p2", "p1"]
        assert scans.class_names == ("CNV", "DME")
    with pytest.raises(LayoutError, match="'nested' is for folders, got the file"):
        load_oct_dataset(root / "CNV" / "p1" / "1.png", layout="nested")


def test_a_source_of_two_layouts_is_the_users_to_choose(plant, add):
    root = plant("CNV/p1/1.png", "nested.txt")
    add("nested", SOURCE)
    add("other", SOURCE.replace("Nested", "Other").replace('layout = "nested"', 'layout = "other"'))
    with pytest.raises(LayoutError, match="can be read as nested and other. Choose one with layout="):
        load_oct_dataset(root)
    assert len(load_oct_dataset(root, layout="other")) == 1


def test_no_rows_make_an_empty_dataset():
    assert len(dataset_of_files([], ["A"])) == 0
    assert dataset_of_files([]).labels is None
