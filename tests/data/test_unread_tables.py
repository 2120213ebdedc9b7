"""Unread tables: a table beside images isn't passed over without a word."""

from __future__ import annotations

import pytest

from octlib.data import load_oct_dataset
from octlib.errors import LayoutWarning


@pytest.mark.filterwarnings("ignore:All images lie in folders named 'images'")
@pytest.mark.parametrize("names", [("1.png", "2.png"), ("images/1.png", "images/2.png"), ("A/1.png", "B/1.png")])
@pytest.mark.parametrize(
    "header", ["path,label", "filename,diagnosis,subject", "File Name,x", "file_name,image", "\nfile"]
)
@pytest.mark.parametrize("table", ["labels.csv", "LABELS.CSV"])
def test_a_table_that_lists_images_is_named(plant, names, header, table):
    root = plant(*names)
    (root / table).write_text(f"{header}\n")
    with pytest.warns(LayoutWarning, match=rf"was not read: .*{table}\. Load it in place of the folder"):
        assert len(load_oct_dataset(root)) == 2


@pytest.mark.parametrize("content", ["", "name,label\n1,A\n", "\x00\xff", "a note about path and label\n"])
def test_other_tables_are_no_matter(plant, content):
    root = plant("1.png")
    (root / "notes.csv").write_text(content, encoding="latin-1")
    assert len(load_oct_dataset(root)) == 1
