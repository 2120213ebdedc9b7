"""The bootstrap: blind to the order of scans, and covering what it should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interval_coverage import coverage, over_patients, over_scans, true_values
from statsmodels.stats.proportion import proportion_confint

from octlib._bootstrap import bca_interval
from octlib.evaluation import intervals, resamples
from octlib.evaluation.metrics import METRICS
from octlib.evaluation.resamples import GroupedScans


def scans(n=60, n_classes=3, n_groups=20, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(n_classes), size=n).round(1) + 0.01
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    groups = np.concatenate([np.arange(n_groups), rng.integers(n_groups, size=n - n_groups)])
    return probabilities, rng.integers(n_classes, size=n), groups


def bootstrap(probabilities, truth, groups, confidence=0.95, seed=0):
    rng = np.random.default_rng(seed)
    return intervals.bootstrap_intervals(GroupedScans(truth, probabilities, groups), confidence=confidence, rng=rng)


def resample(probabilities, truth, groups):
    """Give the values of all scans, those without each bundle of groups and those of resamples."""
    values = intervals.resample_metrics(GroupedScans(truth, probabilities, groups), rng=np.random.default_rng(0))
    return {name: np.split(each, [1, -intervals.RESAMPLES], axis=-1) for name, each in values.items()}


def same(one, other):
    # Sums of another order differ in their last digits.
    return all(np.allclose(one[name], other[name], 1e-9, 1e-12, equal_nan=True) for name in one.keys() | other.keys())


def test_small_blocks_change_nothing(monkeypatch):
    whole = bootstrap(*scans())
    monkeypatch.setattr(intervals, "BLOCK_CELLS", 60 * 7)
    assert same(bootstrap(*scans()), whole)


@pytest.mark.parametrize(("cells", "largest"), [(60 * 7, 7), (59, 1)], ids=["small", "less than one resample"])
def test_no_block_is_larger_than_the_limit(monkeypatch, cells, largest):
    monkeypatch.setattr(intervals, "BLOCK_CELLS", cells)
    seen = []
    draws = intervals._draws
    monkeypatch.setattr(intervals, "_draws", lambda *given: (seen.append(w.shape[1]) or w for w in draws(*given)))
    bootstrap(*scans())
    assert max(seen) == largest
    assert sum(seen) == intervals.RESAMPLES


def test_order_of_scans_changes_nothing():
    probabilities, truth, groups = scans()
    order = np.random.default_rng(1).permutation(truth.size)
    assert same(bootstrap(probabilities[order], truth[order], groups[order]), bootstrap(probabilities, truth, groups))


def test_seed_and_confidence_matter():
    case = scans()
    narrow, wide = bootstrap(*case, confidence=0.5)["accuracy"], bootstrap(*case, confidence=0.99)["accuracy"]
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert not same(bootstrap(*case, seed=1), bootstrap(*case))


def test_every_metric_has_an_interval_that_holds_it():
    probabilities, truth, groups = scans()
    limits = bootstrap(probabilities, truth, groups)
    assert limits.keys() == METRICS.keys()
    for name, metric in METRICS.items():
        value = np.asarray(metric.value(truth, probabilities))
        assert limits[name].shape == (*value.shape, 2)
        assert (limits[name][..., 0] <= value).all()
        assert (value <= limits[name][..., 1]).all()


def of_mean(values):
    """Give the interval of a mean, each value being a group's."""
    drawn = values[np.random.default_rng(0).integers(values.size, size=(1000, values.size))].mean(axis=1)
    return bca_interval(values.mean(), drawn, (values.sum() - values) / (values.size - 1), 0.95)


@pytest.mark.parametrize("right", [30, 38], ids=["a few mistakes", "two mistakes"])
def test_of_one_scan_a_patient_the_interval_of_accuracy_is_that_of_a_mean(right):
    hits = (np.arange(40) < right).astype(float)
    found = bootstrap(np.stack([hits, 1 - hits], axis=1), np.zeros(40, int), np.arange(40))["accuracy"]
    assert found == pytest.approx(of_mean(hits))


def test_each_group_is_left_out_once_with_all_of_its_scans():
    probabilities, truth, groups = scans()
    for name in ("accuracy", "brier", "macro_auroc"):
        value, left_out, _ = resample(probabilities, truth, groups)[name]
        np.testing.assert_allclose(value, METRICS[name].value(truth, probabilities))
        others = [groups != group for group in range(20)]
        expected = [METRICS[name].value(truth[rest], probabilities[rest]) for rest in others]
        np.testing.assert_allclose(np.sort(left_out), np.sort(expected))


def test_many_groups_are_left_out_in_bundles():
    groups = np.arange(1000)
    hits = (groups % 7 > 0).astype(float)
    case = np.stack([hits, 1 - hits], axis=1), np.zeros(1000, int), groups
    _, left_out, _ = resample(*case)["accuracy"]
    assert left_out.size == 200
    assert bootstrap(*case)["accuracy"] == pytest.approx(of_mean(hits), abs=0.002)


def test_each_resample_draws_as_many_groups_as_there_are():
    weights = np.concatenate(list(intervals._draws(12, 300, np.random.default_rng(0))), axis=1)
    assert weights.shape == (12, 1000)  # as the docstring of score says
    assert (weights.sum(axis=0) == 12).all()
    # Drawn with replacement, evenly: a group is in (1 - 1/12) ** 12 = 35 % of the resamples not at all.
    assert (weights == 0).mean() == pytest.approx(0.352, abs=0.02)
    assert weights.mean(axis=1) == pytest.approx(1, abs=0.15)


def test_scans_of_a_patient_are_drawn_together():
    # Ten patients with four scans each, all right or all wrong: accuracy can take tenths only.
    right = np.repeat([1, 1, 1, 1, 1, 1, 1, 0, 0, 0], 4)
    probabilities = np.stack([right, 1 - right], axis=1).astype(float)
    groups = np.repeat(np.arange(10), 4)
    _, _, accuracy = resample(probabilities, np.zeros(40, int), groups)["accuracy"]
    assert np.allclose(accuracy * 10, np.round(accuracy * 10))
    assert accuracy.std() == pytest.approx(np.sqrt(0.7 * 0.3 / 10), rel=0.1)


def test_class_missing_from_some_resamples_is_judged_by_the_others():
    # The second class comes with one patient, who is in about two thirds of the resamples, and is always recognised.
    probabilities = np.array([[0.9, 0.1]] * 9 + [[0.2, 0.8]])
    truth = np.array([0] * 9 + [1])
    values = resample(probabilities, truth, np.arange(10))["recall"][2][1]
    assert np.isnan(values).mean() == pytest.approx(0.9**10, abs=0.06)
    # One patient says next to nothing: what is found in one of one may be found in 2.5 % of all.
    assert bootstrap(probabilities, truth, np.arange(10))["recall"][1].tolist() == pytest.approx([0.025, 1])


def test_class_missing_from_all_resamples_has_no_interval():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2]])
    limits = bootstrap(probabilities, np.array([0, 0]), np.arange(2))
    assert np.isnan(limits["recall"][1]).all()
    assert np.isnan(limits["auroc"]).all()
    assert limits["recall"][0].tolist() == pytest.approx([0.025**0.5, 1])


@given(st.integers(1, 400), st.sampled_from([0.5, 0.9, 0.95, 0.999]), st.sampled_from([0, 1]))
def test_exact_intervals_are_clopper_and_pearsons(trials, confidence, value):
    expected = proportion_confint(value * trials, trials, alpha=1 - confidence, method="beta")
    assert intervals.exact_interval(value, trials, confidence) == pytest.approx(expected)


def certain(truth, wrong=()):
    predicted = np.array(truth)
    predicted[list(wrong)] = 1 - predicted[list(wrong)]
    return np.eye(2)[predicted]


def test_shares_of_0_and_1_have_the_interval_of_as_many_patients():
    truth = np.repeat([0, 1], 30)
    limits = bootstrap(certain(truth), truth, np.arange(60) // 2)
    for name, patients in (("accuracy", 30), ("recall", 15), ("specificity", 15), ("precision", 15), ("npv", 15)):
        assert np.atleast_2d(limits[name])[0] == pytest.approx([0.025 ** (1 / patients), 1])
    mistaken = bootstrap(certain(1 - truth), truth, np.arange(60) // 2)
    assert mistaken["recall"][1] == pytest.approx([0, 1 - 0.025 ** (1 / 15)])
    for name in ("macro_f1", "auroc", "f1"):
        assert (np.atleast_2d(limits[name]) == 1).all()


def test_a_patient_with_many_scans_is_one_patient_and_others_count_for_less():
    # 90 of 99 scans are one patient's: they weigh as little more than one of equal size.
    groups, truth = np.concatenate([np.zeros(90, int), np.arange(1, 10)]), np.zeros(99, int)
    effective = 99**2 / (90**2 + 9)
    assert bootstrap(certain(truth), truth, groups)["accuracy"][0] == pytest.approx(0.025 ** (1 / effective))


def test_only_patients_who_are_counted_in_a_share_count():
    # Three patients have the second class; a fourth is taken for it, which PPV counts and sensitivity doesn't.
    truth = np.repeat([0, 1], [20, 3])
    limits = bootstrap(certain(truth, wrong=[0]), truth, np.arange(23))
    assert limits["recall"][1] == pytest.approx([0.025 ** (1 / 3), 1])
    assert limits["npv"][1] == pytest.approx([0.025 ** (1 / 19), 1])
    assert limits["precision"][1][1] == 1
    assert limits["precision"][1][0] < 0.75  # from resamples: it is 3 / 4


def test_groups_are_counted_the_same_in_small_blocks(monkeypatch):
    truth, groups = np.arange(50) % 2, np.arange(50) // 3
    whole = bootstrap(certain(truth), truth, groups)
    monkeypatch.setattr(resamples, "GROUPS_AT_A_TIME", 4)
    assert same(bootstrap(certain(truth), truth, groups), whole)


def test_the_low_end_of_ece_allows_for_chance():
    # Well calibrated scans: whatever their ECE, it comes from chance, which the interval has to leave room for.
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 200)
    truth = (rng.random(200) > confidence).astype(int)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    limits = bootstrap(probabilities, truth, np.arange(200))["ece"]
    assert METRICS["ece"].value(truth, probabilities) > 0.02
    assert limits[0] == 0


REPETITIONS = 150


def test_intervals_over_patients_hold_the_truth_and_those_over_scans_would_not():
    """Simulated patients: benchmarks/interval_coverage.py has more of them, and every metric."""
    truth = true_values(("accuracy", "recall", "specificity"), alike=0.9)
    by_patient, by_scan = (coverage(each, 100, REPETITIONS, truth, alike=0.9) for each in (over_patients, over_scans))
    chance = 3 * (0.95 * 0.05 / REPETITIONS) ** 0.5
    for name in truth:
        assert by_patient[name] > 0.95 - chance
        assert by_scan[name] < 0.95 - chance
