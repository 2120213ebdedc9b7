"""McNemar: the textbook's test for single scans, and one that keeps its promise for scans of the same patients."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar

from octlib.evaluation.mcnemar import FEW_DISCORDANT, compare_hits


def hits(both, only_first, only_second, neither):
    first = np.repeat([True, True, False, False], [both, only_first, only_second, neither])
    second = np.repeat([True, False, True, False], [both, only_first, only_second, neither])
    return first, second


@given(st.tuples(*[st.integers(0, 40)] * 4).filter(any))
def test_with_single_scans_it_is_that_of_statsmodels(counts):
    first, second = hits(*counts)
    table = np.array([[counts[0], counts[1]], [counts[2], counts[3]]])
    statistic, p = compare_hits(first, second, np.arange(len(first)))
    discordant = counts[1] + counts[2]
    expected = mcnemar(table, exact=discordant < FEW_DISCORDANT, correction=False) if discordant else None
    assert p == pytest.approx(expected.pvalue if expected else 1)
    assert statistic == pytest.approx((counts[1] - counts[2]) ** 2 / discordant if discordant else 0)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=8))
def test_few_patients_have_the_share_of_all_signs(patients):
    first = np.concatenate([[True] * one + [False] * other for one, other in patients]).astype(bool)
    groups = np.repeat(np.arange(len(patients)), [one + other for one, other in patients])
    if not len(groups):
        return
    differences = np.array([one - other for one, other in patients])
    sums = [abs(np.dot(signs, differences)) for signs in product([-1, 1], repeat=len(patients))]
    assert compare_hits(first, ~first, groups)[1] == pytest.approx(np.mean(sums >= abs(differences.sum())))


def test_many_patients_by_hand():
    # 30 patients: 20 with two scans that only the first gets right, 10 with one that only the second does.
    groups = np.concatenate([np.repeat(np.arange(20), 2), np.arange(20, 30)])
    first = np.arange(50) < 40
    statistic, p = compare_hits(first, ~first, groups)
    assert statistic == pytest.approx(30**2 / (20 * 4 + 10))
    assert p == pytest.approx(0.001565, abs=1e-6)  # chi-squared of 10


def test_what_a_patients_scans_balance_counts_as_no_difference():
    first = np.array([True, False, True, False])
    assert compare_hits(first, ~first, np.array([0, 0, 1, 1])) == (0, 1)


@pytest.mark.parametrize("all_right", [True, False])
def test_without_a_difference_p_is_1(all_right):
    same = np.full(5, all_right)
    assert compare_hits(same, same, np.arange(5)) == (0, 1)


def test_of_equal_classifiers_5_percent_differ_by_patients_and_far_more_by_scans():
    rng = np.random.default_rng(0)
    n_patients, n_scans, runs = 80, 10, 400
    groups = np.repeat(np.arange(n_patients), n_scans)
    by_patient, by_scan = [], []
    for _ in range(runs):
        # Each classifier finds some patients hard, each others: its errors come in clusters.
        ease = rng.beta(1.5, 0.5, (2, n_patients))
        first, second = rng.random((2, len(groups))) < ease[:, groups]
        by_patient.append(compare_hits(first, second, groups)[1])
        by_scan.append(compare_hits(first, second, np.arange(len(groups)))[1])
    assert 0.025 < np.mean(np.array(by_patient) < 0.05) < 0.08
    assert np.mean(np.array(by_scan) < 0.05) > 0.2
