"""Tables: a page's numbers are those of the evaluation, and what is undefined is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.evaluation import score
from octlib.report.tables import UNDEFINED, tables


def test_numbers_are_those_of_the_evaluation(evaluation):
    shown = tables(evaluation)
    assert shown["verdict"]["figure"] == "0.750"
    assert "6 of 8 scans of 8 patients" in shown["verdict"]["after"]
    assert [title for title, _ in shown["whole"]] == ["accuracy", "balanced accuracy", "macro F1"]
    assert [row["name"] for row in shown["classes"]] == list(evaluation.class_names)
    assert shown["classes"][0]["figures"][0]["value"] == f"{evaluation.f1['CNV']:.3f}"
    assert shown["errors_in_all"] == 2
    assert shown["n_errors"].startswith("2 of 8 scans")


def test_the_matrix_has_counts_and_shares_of_rows(evaluation):
    rows = tables(evaluation)["matrix"]
    counts = [[cell["count"] for cell in row["cells"]] for row in rows]
    assert counts == evaluation.confusion_matrix.tolist()
    assert all(sum(float(cell["share"].rstrip("%")) for cell in row["cells"]) == pytest.approx(100) for row in rows)
    assert [[cell["hit"] for cell in row["cells"]] for row in rows] == np.eye(4, dtype=bool).tolist()


def test_a_bar_shows_value_and_interval_on_a_scale_of_100(evaluation):
    figure = dict(tables(evaluation)["whole"])["accuracy"]
    low, high = evaluation.intervals["accuracy"]
    assert figure["bar"]["low"] == pytest.approx(100 * low, abs=0.1)
    assert figure["bar"]["low"] + figure["bar"]["width"] == pytest.approx(100 * high, abs=0.2)


def test_what_is_undefined_is_a_dash():
    with pytest.warns(UserWarning, match="No scan is of class DME"):
        result = score(np.array([[0.9, 0.1], [0.8, 0.2]]), [0, 0], ["p1", "p2"], ["CNV", "DME"])
    shown = tables(result)
    assert shown["undefined"]
    assert {figure["value"] for figure in shown["classes"][1]["figures"]} == {UNDEFINED}
    assert [cell["share"] for cell in shown["matrix"][1]["cells"]] == [UNDEFINED, UNDEFINED]


def test_unknown_patients_are_said_to_be():
    with pytest.warns(UserWarning, match="Patients are unknown"):
        result = score(np.array([[0.9, 0.1], [0.2, 0.8]]), [0, 1], None, ["CNV", "DME"])
    shown = tables(result)
    assert "Patients are unknown" in shown["how"]
    assert "patients" not in shown["verdict"]["after"]
