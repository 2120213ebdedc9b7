"""Numbers: a page's numbers are those of the evaluation, and what is undefined is said to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import octlib
from octlib.errors import UnknownPatientsWarning
from octlib.evaluation import METRICS, Metric, score
from octlib.report.numbers import UNDEFINED, describe_evaluation

NAMES = ["CNV", "DME"]
BY_CLASS = [name for name, metric in METRICS.items() if metric.by_class]


def test_numbers_are_those_of_the_evaluation(evaluation):
    shown = describe_evaluation(evaluation)
    low, high = evaluation.intervals["accuracy"]
    assert shown["verdict"]["value"] == "0.750"
    assert shown["verdict"]["rest"].startswith(f" (95 % interval {low:.3f} to {high:.3f}): 6 of 8 scans of 8 patients")
    assert [title for title, _ in shown["whole"]][:4] == ["accuracy", "balanced accuracy", "macro F1", "weighted F1"]
    assert [row["name"] for row in shown["classes"]] == list(evaluation.class_names)
    assert [row["support"] for row in shown["classes"]] == ["2", "2", "2", "2"]
    for place, key in enumerate(BY_CLASS):
        low, high = evaluation.intervals[key]["DRUSEN"]
        cell = shown["classes"][2]["cells"][place]
        assert cell["value"] == f"{evaluation.metrics[key]['DRUSEN']:.3f}"
        assert cell["interval"] == f"{low:.3f} to {high:.3f}"
    assert shown["errors_in_all"] == 2
    assert shown["n_errors"] == "2 of 8 scans were taken for another class"


def test_the_matrix_has_counts_and_shares_of_rows(evaluation):
    rows = describe_evaluation(evaluation)["matrix"]
    counts = [[int(cell["count"]) for cell in row["cells"]] for row in rows]
    assert counts == evaluation.confusion_matrix.tolist()
    assert all(sum(float(cell["share"].rstrip("%")) for cell in row["cells"]) == pytest.approx(100) for row in rows)
    assert [[cell["hit"] for cell in row["cells"]] for row in rows] == np.eye(4, dtype=bool).tolist()


def test_a_bar_shows_value_and_interval_on_a_scale_of_100(evaluation):
    bar = dict(describe_evaluation(evaluation)["whole"])["accuracy"]["bar"]
    low, high = evaluation.intervals["accuracy"]
    assert bar["point"] == 75
    assert bar["low"] == pytest.approx(100 * low, abs=0.1)
    assert bar["low"] + bar["width"] == pytest.approx(100 * high, abs=0.2)


def test_no_bar_stands_for_what_has_another_scale_or_is_better_small(evaluation):
    shown = dict(describe_evaluation(evaluation)["whole"])
    other = {METRICS[name].heading for name in ("brier", "ece", "cohen_kappa", "quadratic_kappa", "mcc")}
    assert {heading for heading, value in shown.items() if value["bar"] is None} == other
    assert "0 is certain and right, 2 is certain and wrong" in describe_evaluation(evaluation)["whole_definitions"]


def test_what_is_undefined_is_a_dash_with_words():
    with pytest.warns(UserWarning, match="No scan is of class DME"):
        result = score([0, 0], np.array([[0.9, 0.1], [0.8, 0.2]]), ["p1", "p2"], NAMES)
    shown = describe_evaluation(result)
    assert shown["undefined"]
    undefined = [cell for cell in shown["classes"][1]["cells"] if cell["value"] == UNDEFINED]
    # Of a class without a scan, specificity and NPV are known.
    assert len(undefined) == len(BY_CLASS) - 2
    assert all(cell["bar"] is None and cell["interval"] == "" for cell in undefined)
    assert [cell["share"] for cell in shown["matrix"][1]["cells"]] == [UNDEFINED, UNDEFINED]


def test_a_metric_is_on_the_page_by_its_entry_alone(monkeypatch, tmp_path):
    def value(truth, probabilities):
        return 2 * np.log(probabilities[np.arange(len(truth)), truth]).mean()

    entry = Metric(
        "deviance", "deviance", "what is to spare", False, value, lambda it: -it.support.sum(axis=0), digits=1
    )
    monkeypatch.setitem(METRICS, "deviance", entry)
    result = score([0, 1, 1], np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]), ["p1", "p2", "p3"], NAMES)
    whole = dict(describe_evaluation(result)["whole"])
    # Beyond the scale from 0 to 1 there is no bar.
    assert whole["deviance"] == {"value": "-0.6", "interval": "-3.0 to -3.0", "bar": None}
    assert '<th scope="row">deviance</th>' in octlib.write_report(tmp_path / "r.html", result).read_text("utf-8")


def test_scans_without_a_patient_are_counted():
    with pytest.warns(UnknownPatientsWarning, match="1 of 3"):
        result = score([0, 1, 1], np.eye(2)[[0, 1, 0]], ["p1", None, "p2"], NAMES)
    shown = describe_evaluation(result)
    assert "A scan without a patient counts as a patient of its own: there are 1." in shown["how"]
    assert "of 3 patients" in shown["verdict"]["rest"]


def test_unknown_patients_are_said_to_be():
    with pytest.warns(UserWarning, match="Patients are unknown"):
        result = score([0, 1], np.array([[0.9, 0.1], [0.2, 0.8]]), None, NAMES)
    shown = describe_evaluation(result)
    assert "Patients are unknown" in shown["how"]
    assert "patients" not in shown["verdict"]["rest"]


def test_one_patient_alone_has_no_intervals_and_that_is_said():
    with pytest.warns(UserWarning, match="one patient alone"):
        result = score([0, 1], np.array([[0.9, 0.1], [0.8, 0.2]]), ["p1", "p1"], NAMES)
    shown = describe_evaluation(result)
    assert shown["how"] == "There are no intervals: they need more than one patient."
    assert shown["verdict"]["rest"] == ": 1 of 2 scans of 1 patient were recognised."
    assert shown["n_errors"] == "1 of 2 scans was taken for another class"
    assert all(cell["bar"] is None for _, cell in shown["whole"])


def test_intervals_that_promise_too_much_are_not_left_alone(evaluation):
    assert "as few as 8 patients" in describe_evaluation(evaluation)["how"]
    truth = np.arange(40) % 2
    perfect = describe_evaluation(score(truth, np.eye(2)[truth], np.arange(40), NAMES))["how"]
    assert "Clopper-Pearson" in perfect
    assert "no certainty" in perfect
    assert "as few as" not in perfect
    half = np.where(np.arange(40) < 30, truth, 1 - truth)
    probabilities = 0.2 + 0.6 * np.eye(2)[half]
    assert describe_evaluation(score(truth, probabilities, np.arange(40), NAMES))["how"] == (
        "Intervals of 95 %, bootstrapped over patients."
    )


def test_the_confidence_is_not_rounded_away():
    truth = np.arange(40) % 2
    result = score(truth, np.eye(2)[1 - truth], np.arange(40), NAMES, confidence=0.999)
    assert describe_evaluation(result)["confidence"] == "99.9 %"
    assert "99.9 %" in describe_evaluation(result)["how"]


def test_a_page_of_patients_speaks_of_patients():
    result = replace(score([0, 1, 1], np.eye(2)[[0, 1, 0]], ["p1", "p2", "p3"], NAMES), level="patient")
    shown = describe_evaluation(result)
    assert shown["verdict"]["rest"].endswith(": 2 of 3 patients were recognised.")
    assert "the share of a class's patients that are found" in shown["definitions"]
    assert "3 volumes of 3 patients" in describe_evaluation(replace(result, level="volume"))["verdict"]["rest"]
    assert "the share of a class's scans that" in describe_evaluation(replace(result, level="scan"))["definitions"]
