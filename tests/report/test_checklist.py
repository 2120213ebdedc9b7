"""Checklist: every item leads to a section that is there, or says that the authors have to tell."""

from __future__ import annotations

import re

import octlib
from octlib.report.checklist import ITEMS, answered
from octlib.report.write import TITLES


def test_items_name_sections_that_pages_can_have():
    assert {item.section for item in ITEMS} - {""} <= set(TITLES)
    assert len({item[:2] for item in ITEMS}) == len(ITEMS)


def test_an_item_without_its_section_is_left_to_the_authors():
    assert {item.section for item in answered({"metrics", "limits"})} == {"", "metrics", "limits"}
    assert [item[:2] for item in answered(())] == [item[:2] for item in ITEMS]


def test_links_lead_to_sections_of_the_page(tmp_path, evaluation, explanation):
    for more in ({}, {"explanation": explanation}):
        page = octlib.write_report(tmp_path / "r.html", evaluation, **more, overwrite=True).read_text()
        targets = set(re.findall(r'href="#([^"]*)"', page))
        assert targets <= set(re.findall(r'id="([^"]*)"', page))
        assert ("explanation" in targets) == bool(more)
        assert "classifier" not in targets  # nobody said what was evaluated
