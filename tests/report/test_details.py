"""Details: tables hold the figures of what they are of."""

from __future__ import annotations

import base64

import numpy as np
import pytest

import octlib
from octlib.evaluation import score
from octlib.report.details import describe_calibration, describe_groups, describe_points, draw_curves


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    truth, sure = np.arange(80) % 2, rng.uniform(0.2, 0.95, 80)
    probabilities = np.where(truth[:, None] == [0, 1], sure[:, None], 1 - sure[:, None])
    return score(truth, probabilities, np.arange(80) // 4, ["CNV", "NORMAL"])


def test_a_point_has_its_figures_and_its_curve(result):
    judged = octlib.evaluation.OperatingPoint(("CNV",), ("NORMAL",), 0.3, "sensitivity", 0.9, 0.95, 0.5, 40, 10)
    judged = judged.evaluate(result)
    (told,) = describe_points([judged], result)
    rows = {row[0]: row[1:] for row in told["rows"]}
    low, high = judged.intervals["sensitivity"]
    hits, of = judged.true_positives, judged.true_positives + judged.false_negatives
    assert rows["sensitivity"] == (f"{judged.sensitivity:.3f}", f"{low:.3f} to {high:.3f}", f"{hits} of {of}")
    assert list(rows) == ["sensitivity", "specificity", "PPV", "NPV", "accuracy"]
    assert told["question"] == "CNV against the rest, from a probability of 0.3 on"
    assert len(told["curves"]) == 1


def test_groups_have_a_row_for_each_value(result):
    result.scans["device"] = np.where(np.arange(80) < 40, "A", "B")
    groups = result.by("device")
    (told,) = describe_groups([groups])
    assert [row[:3] for row in told["rows"]] == [("A", "40", "10"), ("B", "40", "10")]
    assert told["rows"][0][3].startswith(f"{groups.evaluations['A'].accuracy:.3f} ")


def test_a_calibration_that_could_not_be_cross_fitted_has_gaps():
    nan = float("nan")
    told = describe_calibration(octlib.Calibration(2.0, 0.5, 0.4, nan, 0.1, 0.05, nan, 9, 1, 0.9, 0.2, 30))
    assert told["rows"] == [("log loss", "0.500", "0.400", ""), ("ECE", "0.100", "0.050", "")]
    assert "Sets are for a coverage of 0.9." in told["how"]
    assert describe_calibration(None) is None


def test_curves_say_what_they_show(result):
    assert len({each["words"] for each in draw_curves(result)}) == 3


def test_intervals_of_groups_take_the_ink_of_the_page(result):
    result.scans["device"] = np.where(np.arange(80) < 40, "A", "B")
    (told,) = describe_groups([result.by("device")])
    text = base64.b64decode(told["curve"]["source"].partition(",")[2]).decode()
    assert "#000000" not in text
