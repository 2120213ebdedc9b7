"""Caveats: what intervals promise too much is said, and nothing else."""

from __future__ import annotations

import math

from octlib.evaluation.caveats import find_caveats, find_exact, list_figures

HOW = {"resampled": "patient", "groups": 40, "without_patient": 0, "confidence": 0.95}


def test_few_and_unknown_patients_are_said():
    assert len(find_caveats([], **HOW)) == 1
    assert "as few as 12 patients" in find_caveats([], **{**HOW, "groups": 12})[-1]
    assert "there are 3" in find_caveats([], **{**HOW, "without_patient": 3})[-1]
    assert "Patients are unknown" in find_caveats([], **{**HOW, "resampled": "scan"})[-1]
    assert find_caveats([], **{**HOW, "groups": 1}) == ("There are no intervals: they need more than one patient.",)


def test_only_shares_have_exact_intervals_and_differences_have_none():
    assert find_exact([("accuracy", 1.0, (0.9, 1.0))], "patient")[0].startswith("Shares of exactly 0 or 1")
    assert find_exact([("accuracy", 0.9, (0.8, 1.0)), ("macro_f1", 1.0, (0.9, 1.0))], "patient") == []
    assert find_exact([("a difference", math.nan, (0.0, 0.0))], "patient")[0].startswith("An interval without width")


def test_figures_of_classes_are_listed_one_by_one():
    metrics = {"accuracy": 0.5, "f1": {"CNV": 0.1, "DME": 0.2}}
    intervals = {"accuracy": (0, 1), "f1": {"CNV": (0, 0.5), "DME": (0.1, 0.6)}}
    assert list_figures(metrics, intervals) == [
        ("accuracy", 0.5, (0, 1)), ("f1", 0.1, (0, 0.5)), ("f1", 0.2, (0.1, 0.6)),
    ]  # fmt: skip
