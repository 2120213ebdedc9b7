"""Tables: a page's numbers are those of the evaluation, and what is undefined is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.evaluation import score
from octlib.report.tables import UNDEFINED, tables

NAMES = ["CNV", "DME"]


def test_numbers_are_those_of_the_evaluation(evaluation):
    shown = tables(evaluation)
    low, high = evaluation.intervals["accuracy"]
    assert shown["verdict"]["figure"] == "0.750"
    assert shown["verdict"]["rest"].startswith(f" (95 % interval {low:.3f} to {high:.3f}): 6 of 8 scans of 8 patients")
    assert [title for title, _ in shown["whole"]] == ["accuracy", "balanced accuracy", "macro F1"]
    assert [row["name"] for row in shown["classes"]] == list(evaluation.class_names)
    assert [row["support"] for row in shown["classes"]] == ["2", "2", "2", "2"]
    for place, key in enumerate(["f1", "precision", "recall", "auroc"]):
        low, high = evaluation.intervals[key]["DRUSEN"]
        figure = shown["classes"][2]["figures"][place]
        assert figure["value"] == f"{getattr(evaluation, key)['DRUSEN']:.3f}"
        assert figure["interval"] == f"{low:.3f} to {high:.3f}"
    assert shown["errors_in_all"] == 2
    assert shown["n_errors"] == "2 of 8 scans were taken for another class"


def test_the_matrix_has_counts_and_shares_of_rows(evaluation):
    rows = tables(evaluation)["matrix"]
    counts = [[int(cell["count"]) for cell in row["cells"]] for row in rows]
    assert counts == evaluation.confusion_matrix.tolist()
    assert all(sum(float(cell["share"].rstrip("%")) for cell in row["cells"]) == pytest.approx(100) for row in rows)
    assert [[cell["hit"] for cell in row["cells"]] for row in rows] == np.eye(4, dtype=bool).tolist()


def test_a_bar_shows_value_and_interval_on_a_scale_of_100(evaluation):
    bar = dict(tables(evaluation)["whole"])["accuracy"]["bar"]
    low, high = evaluation.intervals["accuracy"]
    assert bar["point"] == 75
    assert bar["low"] == pytest.approx(100 * low, abs=0.1)
    assert bar["low"] + bar["width"] == pytest.approx(100 * high, abs=0.2)


def test_what_is_undefined_is_a_dash_with_words():
    with pytest.warns(UserWarning, match="No scan is of class DME"):
        result = score([0, 0], np.array([[0.9, 0.1], [0.8, 0.2]]), ["p1", "p2"], NAMES)
    shown = tables(result)
    assert shown["undefined"]
    assert [figure["value"] for figure in shown["classes"][1]["figures"]] == [UNDEFINED] * 4
    assert all(figure["bar"] is None and figure["interval"] == "" for figure in shown["classes"][1]["figures"])
    assert [cell["share"] for cell in shown["matrix"][1]["cells"]] == [UNDEFINED, UNDEFINED]


def test_unknown_patients_are_said_to_be():
    with pytest.warns(UserWarning, match="Patients are unknown"):
        result = score([0, 1], np.array([[0.9, 0.1], [0.2, 0.8]]), None, NAMES)
    shown = tables(result)
    assert "Patients are unknown" in shown["how"]
    assert "patients" not in shown["verdict"]["rest"]


def test_one_patient_alone_has_no_intervals_and_that_is_said():
    with pytest.warns(UserWarning, match="one patient alone"):
        result = score([0, 1], np.array([[0.9, 0.1], [0.8, 0.2]]), ["p1", "p1"], NAMES)
    shown = tables(result)
    assert shown["how"] == "There are no intervals: they need more than one patient."
    assert shown["verdict"]["rest"] == ": 1 of 2 scans of 1 patient were recognised."
    assert shown["n_errors"] == "1 of 2 scans was taken for another class"
    assert all(figure["bar"] is None for _, figure in shown["whole"])


def test_intervals_that_promise_too_much_are_not_left_alone(evaluation):
    assert "as few as 8 patients" in tables(evaluation)["how"]
    truth = np.arange(40) % 2
    perfect = tables(score(truth, np.eye(2)[truth], np.arange(40), NAMES))["how"]
    assert "no certainty" in perfect
    assert "as few as" not in perfect
    half = np.where(np.arange(40) < 30, truth, 1 - truth)
    probabilities = 0.2 + 0.6 * np.eye(2)[half]
    assert tables(score(truth, probabilities, np.arange(40), NAMES))["how"] == (
        "Intervals of 95 %, bootstrapped over patients."
    )


def test_the_confidence_is_not_rounded_away():
    truth = np.arange(40) % 2
    result = score(truth, np.eye(2)[1 - truth], np.arange(40), NAMES, confidence=0.999)
    assert tables(result)["confidence"] == "99.9 %"
    assert "99.9 %" in tables(result)["how"]
