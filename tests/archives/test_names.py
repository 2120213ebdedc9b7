"""Names: members that would lie elsewhere are told by their names, and no others."""

from __future__ import annotations

import pytest

from octlib.archives import why_outside

HOSTILE = [
    "../a.png",
    "a/../../b.png",
    "/a.png",
    "C:/a.png",
    "C:a.png",
    "..\\a.png",
    "\\\\host\\a.png",
    "a\0.png",
    "..",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_out(name: str) -> None:
    assert "outside" in why_outside(name)


@pytest.mark.parametrize("name", ["a/..b/c...png", "./a.png", "12:30.png", "עין/👁.png", "OCT2017 /a b.png", "a//b.png"])
def test_a_name_that_stays_below(name: str) -> None:
    assert why_outside(name) == ""


@pytest.mark.parametrize("name", ["a/" * 101 + "a.png", "a" * 5000])
def test_a_name_that_no_disk_takes(name: str) -> None:
    assert "longer than that of any file" in why_outside(name)
