"""Decision curve: net benefit by hand, its two neighbours, and the same numbers in the plot."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from octlib.evaluation import score

POSITIVE = np.array([1, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
SCORES = np.array([0.9, 0.5, 0.2, 0.6, 0.5, 0.1, 0.05, 0.0])


@pytest.fixture(scope="module")
def curve():
    probabilities = np.stack([SCORES / 2, SCORES / 2, 1 - SCORES], axis=1)
    truth = np.where(POSITIVE, [0, 1, 0, 2, 2, 2, 2, 2], 2)
    return score(truth, probabilities, np.arange(8), ["CNV", "DME", "NORMAL"]).decision_curve(["CNV", "DME"])


def test_net_benefit_is_that_of_vickers_and_elkin(curve):
    for threshold, net_benefit in zip(curve.thresholds, curve.net_benefit, strict=True):
        flagged = threshold <= SCORES
        hits, alarms = (flagged & POSITIVE).sum(), (flagged & ~POSITIVE).sum()
        assert net_benefit == pytest.approx((hits - alarms * threshold / (1 - threshold)) / 8)
    at_half = curve.to_frame().set_index("threshold").loc[0.5]
    assert at_half["net_benefit"] == pytest.approx((2 - 2) / 8)  # a scan at the threshold counts as positive


def test_its_neighbours_call_all_and_none_positive(curve):
    odds = curve.thresholds / (1 - curve.thresholds)
    np.testing.assert_allclose(curve.treat_all, 3 / 8 - 5 / 8 * odds)
    table = curve.to_frame()
    assert list(table.columns) == ["threshold", "net_benefit", "treat_all", "treat_none"]
    assert (table["treat_none"] == 0).all()
    assert curve.prevalence == 3 / 8


def test_the_plot_holds_the_three_lines(curve):
    ax = curve.plot()
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(lines["classifier"].get_xydata(), curve.to_frame()[["threshold", "net_benefit"]])
    np.testing.assert_array_equal(lines["all are positive"].get_ydata(), curve.treat_all)
    assert set(lines["none is positive"].get_ydata()) == {0}
    assert ax.get_title() == "CNV or DME against the rest"
    low, high = ax.get_ylim()
    assert low < 0 < curve.net_benefit.max() < high


def test_nothing_in_it_can_be_replaced(curve):
    with pytest.raises(dataclasses.FrozenInstanceError):
        curve.prevalence = 1
    with pytest.raises(ValueError, match="read-only"):
        curve.net_benefit[0] = 1


def test_text_says_where_it_is_of_use(curve):
    better = (curve.net_benefit > np.maximum(curve.treat_all, 0)).sum()
    assert repr(curve).startswith("DecisionCurve of CNV or DME against the rest, 8 scans, 37.5 % positive: better than")
    assert f"at {better} of 99 thresholds from 0.01 to 0.99" in repr(curve)


def test_who_calls_all_positive_is_no_better_than_that():
    probabilities = np.tile([0.999, 0.001], (7, 1))
    same = score([0, 0, 1, 1, 1, 1, 1], probabilities, np.arange(7), ["CNV", "NORMAL"]).decision_curve("CNV")
    assert "at 0 of 99 thresholds" in repr(same)


@pytest.mark.filterwarnings("ignore::octlib.errors.UndefinedMetricWarning")
def test_questions_without_an_answer_are_refused():
    result = score([0, 0], np.eye(2)[[0, 1]], ["p", "q"], ["CNV", "NORMAL"])
    with pytest.raises(ValueError, match="2 of the 2 scans are of them"):
        result.decision_curve("CNV")
    with pytest.raises(ValueError, match="Unknown class 'CVN': did you mean 'CNV'"):
        result.decision_curve(["CVN"])
