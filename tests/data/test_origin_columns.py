"""Origin columns: every kind gives its scans back, whatever is chosen and joined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octlib.archives import Archive
from octlib.data.columns import objects
from octlib.data.origin_columns import ArrayOrigins, FileOrigins, MixedOrigins, PhantomOrigins, join_origins
from octlib.data.origins import ArrayScan, FileScan, PhantomScan
from octlib.phantoms import PhantomSpec

IMAGES = np.arange(5, dtype=np.uint8).reshape(5, 1, 1)
COLUMNS = {
    "files": FileOrigins(objects([f"folder/{number}.png" for number in range(5)])),
    "stacks": FileOrigins(objects([f"folder/{number}.tif" for number in range(5)]), np.arange(5)),
    "arrays": ArrayOrigins(IMAGES, np.arange(5)),
    "others": ArrayOrigins(IMAGES.copy(), np.arange(5)),
    "phantoms": PhantomOrigins(objects([PhantomSpec("CNV", number=number, scan=1) for number in range(1, 6)])),
}


def said(origins):
    """Give what tells the origins of a column apart."""
    keys = {FileScan: "path", ArrayScan: "index", PhantomScan: "spec"}
    kinds = [type(origins[place]) for place in range(len(origins))]
    images = [id(getattr(origins[place], "images", None)) for place in range(len(origins))]
    return [(kind, getattr(origins[place], keys[kind]), images[place]) for place, kind in enumerate(kinds)]


@pytest.mark.parametrize("name", COLUMNS)
def test_choosing_is_that_of_a_list(name):
    column = COLUMNS[name]
    assert said(column.take(np.array([4, 0, -1]))) == [said(column)[place] for place in (4, 0, -1)]
    assert said(column.take(slice(1, None, 2))) == said(column)[1::2]


@pytest.mark.parametrize("name", ["files", "arrays", "phantoms"])
def test_columns_of_a_kind_stay_of_that_kind(name):
    column = COLUMNS[name]
    joined = join_origins(column, column.take(slice(0, 2)))
    assert type(joined) is type(column)
    assert said(joined) == said(column) + said(column)[:2]


@given(st.permutations(list(COLUMNS)), st.lists(st.integers(0, 5 * len(COLUMNS) - 1)))
def test_mixtures_are_lists_too(order, places):
    first, *others = (COLUMNS[name] for name in order)
    joined, expected = first, said(first)
    for other in others:
        joined, expected = join_origins(joined, other), expected + said(other)
    assert said(joined) == expected
    chosen = joined.take(np.array(places, dtype=np.int64))
    assert said(chosen) == [expected[place] for place in places]
    files = [str(key) if kind is FileScan else None for kind, key, _ in said(chosen)]
    assert chosen.paths().tolist() == files
    assert chosen.stacks().tolist() == [file if str(file).endswith(".tif") else None for file in files]


def test_a_few_of_a_mixture_do_not_hold_on_to_the_rest():
    mixture = join_origins(COLUMNS["files"], COLUMNS["arrays"])
    assert isinstance(mixture, MixedOrigins)
    assert [len(column) for column in mixture.take(np.array([7, 1, 1])).columns] == [2, 1]
    assert mixture[1].path == Path("folder/1.png")


def test_archives_stay_with_their_files_as_long_as_they_agree():
    old, new, other = Archive("/a.zip", (1, 1)), Archive("/a.zip", (2, 2)), Archive("/b.zip", (3, 3))
    columns = [
        FileOrigins(objects([f"{each.path}/1.png", "plain.png"]), archives={str(each.path): each})
        for each in (old, new, other)
    ]
    joined = join_origins(columns[0], columns[2]).take(slice(None, None, -1))
    assert isinstance(joined, FileOrigins)
    assert [joined[place].archive for place in range(4)] == [None, other, None, old]
    mixed = join_origins(columns[0], columns[1])
    assert [mixed[place].archive for place in range(4)] == [old, None, new, None]
