"""Caveats: what intervals promise too much is said, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from octlib.errors import UndefinedMetricWarning
from octlib.evaluation import score
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


def test_a_class_that_few_patients_have_is_named():
    few = "Only 8 of the patients have CNV: what is about that class has rough intervals"
    assert find_caveats([], **HOW, rarest=("CNV", 8))[-1].startswith(few)
    assert "1 of the patients has CNV" in find_caveats([], **HOW, rarest=("CNV", 1))[-1]
    assert len(find_caveats([], **HOW, rarest=("CNV", 20))) == 1
    assert "as few as 12" in find_caveats([], **{**HOW, "groups": 12}, rarest=("CNV", 3))[-1]  # says it all
    assert not any("CNV" in said for said in find_caveats([], **{**HOW, "resampled": "scan"}, rarest=("CNV", 3)))


def test_patients_of_a_class_are_counted_not_their_scans():
    truth = np.repeat([0, 1], [60, 40])
    patients = np.concatenate([np.arange(60) // 20, 10 + np.arange(40)])
    with pytest.warns(UndefinedMetricWarning, match="No scan is of class DME"):
        result = score(truth, np.eye(3)[truth], patients, ["CNV", "NORMAL", "DME"])
    assert any("Only 3 of the patients have CNV" in said for said in result.caveats)
    with pytest.warns(UndefinedMetricWarning):
        alike = score(np.ones(60, int), np.eye(2)[np.ones(60, int)], np.arange(60), ["CNV", "NORMAL"])
    assert not any("CNV" in said for said in alike.caveats)  # which nobody has
