"""Predictive values at a stated prevalence: Bayes, and intervals that claim no more than is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octlib.evaluation import prevalence, score
from octlib.evaluation.intervals import correct_intervals

NAMES = ("CNV", "DME", "NORMAL")


def evaluation(n=120, wrong=5, **options):
    truth = np.arange(n) % 3
    predicted = np.where(np.arange(n) % wrong == 0, (truth + 1) % 3, truth) if wrong else truth
    return score(truth, np.eye(3)[predicted], np.arange(n) // 2, NAMES, **options)


def test_at_the_prevalence_of_the_scans_values_are_those_of_the_scans():
    result = evaluation()
    table = result.at_prevalence(dict.fromkeys(NAMES, 1 / 3)).set_index("class")
    assert list(table.columns) == ["prevalence", "ppv", "ppv_low", "ppv_high", "npv", "npv_low", "npv_high"]
    assert table["ppv"].to_dict() == pytest.approx(result.precision)
    assert table["npv"].to_dict() == pytest.approx(result.npv)
    assert (table["ppv_low"] < table["ppv"]).all()
    assert (table["ppv"] < table["ppv_high"]).all()


@settings(max_examples=10)
@given(st.floats(0.001, 0.999))
def test_values_are_those_of_scans_in_that_mixture(share):
    result = evaluation()
    row = result.at_prevalence({"DME": share}).iloc[0]
    sensitivity, specificity = result.recall["DME"], result.specificity["DME"]
    table = np.array([[sensitivity, 1 - sensitivity], [1 - specificity, specificity]]) * [[share], [1 - share]]
    assert row["ppv"] == pytest.approx(table[0, 0] / table[:, 0].sum())
    assert row["npv"] == pytest.approx(table[1, 1] / table[:, 1].sum())


def test_rarer_is_harder_to_be_right_about():
    result = evaluation()
    values = [result.at_prevalence({"CNV": share}).iloc[0] for share in (0.01, 0.1, 0.5)]
    assert values[0]["ppv"] < values[1]["ppv"] < values[2]["ppv"]
    assert values[0]["npv"] > values[1]["npv"] > values[2]["npv"]


def test_intervals_are_those_of_the_seed_and_confidence_of_the_evaluation():
    one, other = (evaluation(seed=1).at_prevalence({"CNV": 0.1}) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
    assert not one.equals(evaluation(seed=2).at_prevalence({"CNV": 0.1}))
    narrow = evaluation(seed=1, confidence=0.5).at_prevalence({"CNV": 0.1})
    assert one["ppv_low"][0] < narrow["ppv_low"][0]


def test_a_perfect_classifier_is_not_certain():
    result = evaluation(wrong=0)
    row = result.at_prevalence({"CNV": 0.02}).iloc[0]
    assert row["ppv"] == row["npv"] == row["ppv_high"] == row["npv_high"] == 1
    (sensitivity, _), (specificity, _) = (result.intervals[name]["CNV"] for name in ("recall", "specificity"))
    assert row["ppv_low"] == pytest.approx(sensitivity * 0.02 / (sensitivity * 0.02 + (1 - specificity) * 0.98))
    assert row["ppv_low"] < 0.5
    assert row["npv_low"] == pytest.approx(specificity * 0.98 / (specificity * 0.98 + (1 - sensitivity) * 0.02))


def test_intervals_know_what_the_values_are_without_each_patient(monkeypatch):
    seen = []
    monkeypatch.setattr(
        prevalence,
        "correct_intervals",
        lambda drawn, confidence: (seen.append(drawn), correct_intervals(drawn, 0.9))[1],
    )
    truth, patients = np.arange(60) % 3, np.arange(60) // 4
    predicted = np.where(np.arange(60) % 7 == 0, (truth + 1) % 3, truth)
    score(truth, np.eye(3)[predicted], patients, NAMES).at_prevalence({"CNV": 0.1})
    ppv = seen[0][: 1 + 15]
    kept = [patients != each for each in range(15)]
    others = [score(truth[each], np.eye(3)[predicted[each]], patients[each], NAMES) for each in kept]
    rest = [each.at_prevalence({"CNV": 0.1})["ppv"][0] for each in others]
    np.testing.assert_allclose(sorted(ppv[1:]), sorted(rest))


@pytest.mark.parametrize("found", [0, 1])
def test_a_rate_that_never_varies_is_as_unsure_as_its_own_interval(found):
    """Three patients with CNV, all found or none, beside a hundred others, of whom nine in ten are cleared."""
    truth = np.repeat([0, 1], [3, 100])
    predicted = np.concatenate([np.full(3, 1 - found), np.arange(100) % 10 != 0]).astype(int)
    result = score(truth, np.eye(2)[predicted], np.arange(103), ["CNV", "NORMAL"])
    ends = zip(result.intervals["recall"]["CNV"], result.intervals["specificity"]["CNV"], strict=True)
    (low, cleared_low), (high, cleared_high) = ends
    row = result.at_prevalence({"CNV": 0.5}).iloc[0]
    assert high - low > 0.5
    assert row["ppv_low"] == pytest.approx(low / (low + 1 - cleared_low))
    assert row["npv_high"] == pytest.approx(cleared_high / (cleared_high + 1 - high))


def test_what_is_undefined_is_nan():
    with pytest.warns(UserWarning, match="No scan is of class DME"):
        absent = score([0, 2, 0, 2], np.eye(3)[[0, 2, 0, 2]], list("abcd"), NAMES).at_prevalence({"DME": 0.1})
    assert absent.loc[0, ["ppv", "ppv_low", "npv", "npv_high"]].isna().all()
    with pytest.warns(UserWarning, match="one patient alone"):
        alone = score([0, 1, 2], np.eye(3), ["p1"] * 3, NAMES).at_prevalence({"CNV": 0.1})
    assert alone["ppv"][0] == 1
    assert alone[["ppv_low", "ppv_high", "npv_low", "npv_high"]].isna().all(axis=None)


def test_patients_may_be_unknown():
    with pytest.warns(UserWarning, match="Patients are unknown"):
        result = score([0, 1, 2, 0] * 5, np.eye(3)[[0, 1, 2, 1] * 5], None, NAMES)
    assert 0 < result.at_prevalence({"DME": 0.1})["ppv"][0] < 1


@pytest.mark.parametrize(
    ("prevalence", "error", "message"),
    [
        ({"CNW": 0.1}, ValueError, "Unknown class 'CNW': did you mean 'CNV'"),
        ({"CNV": 2}, ValueError, "prevalence of CNV must lie between 0 and 1, such as 0.02 for 2 %; got 2"),
        ({"CNV": 0}, ValueError, "between 0 and 1"),
        ({"CNV": float("nan")}, ValueError, "between 0 and 1"),
        ({}, ValueError, "must name one class or more"),
        (0.02, TypeError, "must map class names to numbers.*got 0.02"),
    ],
)
def test_prevalences_that_cannot_be_are_refused(prevalence, error, message):
    with pytest.raises(error, match=message):
        evaluation().at_prevalence(prevalence)
