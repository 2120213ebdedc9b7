"""Limits: what a page doesn't know of the training it says, and the caveats of the evaluation come first."""

from __future__ import annotations

from octlib.report.limits import ALWAYS, UNTOLD, find_limits


def test_a_page_without_a_test_part_says_that_nobody_told(evaluation, scans):
    for parts in ({}, {"train": scans}):
        assert UNTOLD in find_limits(evaluation, parts)
    assert UNTOLD not in find_limits(evaluation, {"train": scans[:4], "test": scans[4:]})


def test_caveats_of_the_evaluation_come_first(evaluation, scans):
    found = find_limits(evaluation, {"test": scans})
    assert found == [*evaluation.caveats, *ALWAYS]
    assert "From as few as" in " ".join(found)
