"""Published: what is said of each data set is complete, and the same in the documentation."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from octlib.data.published import PUBLISHED

LOAD = Path(__file__).parents[2] / "docs" / "how-to" / "load.md"


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_data_set_is_described_whole(name):
    published = PUBLISHED[name]
    assert published.page.startswith("https://")
    assert re.search(r"doi:10\.\d+/", published.citation)
    if published.url:
        algorithm, digest = published.known_hash.split(":")
        assert len(bytes.fromhex(digest)) == hashlib.new(algorithm).digest_size
        assert published.url.startswith("https://")
        assert published.file.endswith((".npz", ".zip"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_documentation_has_its_licence_and_citation(name):
    rows = [line for line in LOAD.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    (row,) = [row for row in rows if f'`"{name}"`' in row]
    published = PUBLISHED[name]
    assert published.licence in row
    assert published.page in row
    assert all(doi in row for doi in re.findall(r"10\.\d+/[^\s;]+", published.citation))
