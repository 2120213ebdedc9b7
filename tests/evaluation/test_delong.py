"""DeLong: the textbook's test for single scans, and one that keeps its promise for scans of the same patients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from octlib.evaluation.delong import compare_aurocs


def components(positive, scores):
    """Compare every pair, as DeLong, DeLong and Clarke-Pearson (1988) write it."""
    pairs = np.array([[(x > y) + (x == y) / 2 for y in scores[~positive]] for x in scores[positive]])
    return pairs.mean(), pairs.mean(axis=1), pairs.mean(axis=0)


def delong(positive, first, second):
    (one, *own), (other, *others) = components(positive, first), components(positive, second)
    covariances = [np.cov(a, b) / len(a) for a, b in zip(own, others, strict=True)]
    variance = sum(each[0, 0] + each[1, 1] - 2 * each[0, 1] for each in covariances)
    return one - other, variance


def obuchowski(positive, first, second, groups):
    """Sum the same components within each patient, as Obuchowski (1997) writes it, with loops."""
    people = np.unique(groups)
    (one, *own), (other, *others) = components(positive, first), components(positive, second)
    of_positive, of_negative = groups[positive], groups[~positive]
    m, n = len(of_positive), len(of_negative)
    x = [[(v[0][of_positive == k] - area).sum() for k in people] for v, area in ((own, one), (others, other))]
    y = [[(v[1][of_negative == k] - area).sum() for k in people] for v, area in ((own, one), (others, other))]
    with_x, with_y, all_of_them = len(set(of_positive)), len(set(of_negative)), len(people)

    def covariance(r, s):
        s10 = with_x / ((with_x - 1) * m) * np.dot(x[r], x[s])
        s01 = with_y / ((with_y - 1) * n) * np.dot(y[r], y[s])
        s11 = [all_of_them / (all_of_them - 1) * np.dot(x[one], y[two]) for one, two in ((r, s), (s, r))]
        return s10 / m + s01 / n + sum(s11) / (m * n)

    return one - other, covariance(0, 0) + covariance(1, 1) - 2 * covariance(0, 1)


@st.composite
def scans(draw):
    n = draw(st.integers(6, 30))
    scores = st.lists(st.integers(0, 12), min_size=n, max_size=n)  # few values, so that many tie
    first, second = (np.array(draw(scores)) / 12 for _ in range(2))
    positive = np.array([True, True, False, False, *draw(st.lists(st.booleans(), min_size=n - 4, max_size=n - 4))])
    return positive, first, second


def assert_is(found, difference, variance):
    if variance < 1e-20:
        assert found == (0, 1) or np.isnan(found).all()
        return
    z = difference / np.sqrt(variance)
    assert found == pytest.approx((z, 2 * norm.sf(abs(z))), abs=1e-9)


@given(scans())
def test_with_single_scans_it_is_delongs(given_scans):
    assert_is(compare_aurocs(*given_scans, np.arange(len(given_scans[0]))), *delong(*given_scans))


@given(scans(), st.integers(3, 5))
def test_with_several_scans_a_patient_it_is_obuchowskis(given_scans, n_patients):
    groups = np.arange(len(given_scans[0])) % n_patients
    positive = given_scans[0]
    if min(len(set(groups[positive])), len(set(groups[~positive]))) > 1:
        assert_is(compare_aurocs(*given_scans, groups), *obuchowski(*given_scans, groups))


def test_of_a_classifier_and_itself_p_is_1_even_where_it_is_perfect():
    positive = np.arange(6) < 3
    for scores in (np.arange(6) / 6, positive.astype(float), np.zeros(6)):
        assert compare_aurocs(positive, scores, scores, np.arange(6) // 2) == (0, 1)


@pytest.mark.parametrize(
    ("positive", "groups"),
    [
        (np.zeros(6, dtype=bool), np.arange(6)),
        (np.ones(6, dtype=bool), np.arange(6)),
        (np.arange(6) < 3, np.array([0, 0, 0, 1, 2, 3])),  # all of the class are of one patient
        (np.arange(6) < 3, np.zeros(6, dtype=int)),
    ],
)
def test_where_there_is_no_test_p_is_nan(positive, groups):
    rng = np.random.default_rng(0)
    assert np.isnan(compare_aurocs(positive, rng.random(6), rng.random(6), groups)).all()


def test_a_difference_without_variance_is_no_certainty():
    positive = np.arange(6) < 3
    assert np.isnan(compare_aurocs(positive, positive.astype(float), np.zeros(6), np.arange(6))).all()


def test_of_equal_classifiers_5_percent_differ_by_patients_and_far_more_by_scans():
    rng = np.random.default_rng(0)
    n_patients, n_scans, runs = 60, 10, 400
    groups = np.repeat(np.arange(n_patients), n_scans)
    positive = groups % 2 == 1
    by_patient, by_scan = [], []
    for _ in range(runs):
        scores = positive + rng.normal(size=(2, n_patients))[:, groups] + 0.5 * rng.normal(size=(2, len(groups)))
        by_patient.append(compare_aurocs(positive, *scores, groups)[1])
        by_scan.append(compare_aurocs(positive, *scores, np.arange(len(groups)))[1])
    assert 0.025 < np.mean(np.array(by_patient) < 0.05) < 0.08
    assert np.mean(np.array(by_scan) < 0.05) > 0.2
