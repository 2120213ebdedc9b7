"""The bootstrap: equal to scikit-learn resample by resample, blind to order, and covering what it should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octlib.evaluation import intervals
from octlib.evaluation.figures import CLASS_FIGURES, FIGURES, point_figures


@st.composite
def resampled_scans(draw):
    """Scans with many ties, classes that may be absent, patients with scans of several classes; and one resample."""
    n_classes, n_groups = draw(st.integers(2, 4)), draw(st.integers(1, 5))
    extra = draw(st.lists(st.integers(0, n_groups - 1), max_size=8))
    groups = np.array([*range(n_groups), *extra])
    cell = st.lists(st.integers(0, 3), min_size=n_classes, max_size=n_classes)
    raw = np.array(draw(st.lists(cell, min_size=groups.size, max_size=groups.size)))
    truth = np.array(draw(st.lists(st.integers(0, n_classes - 1), min_size=groups.size, max_size=groups.size)))
    weights = np.array(draw(st.lists(st.integers(0, 3), min_size=n_groups, max_size=n_groups).filter(any)))
    return (raw + 1) / (raw + 1).sum(axis=1, keepdims=True), truth, groups, weights


@settings(max_examples=300)
@given(resampled_scans())
def test_weighted_figures_equal_scikit_learn_on_the_resample(case):
    probabilities, truth, groups, weights = case
    drawn = np.repeat(np.arange(truth.size), weights[groups])
    expected = point_figures(probabilities[drawn], truth[drawn])
    columns = np.stack([weights, np.ones_like(weights)], axis=1).astype(float)
    found = intervals.weighted_figures(probabilities, truth, groups)(columns)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name][..., 0], value, atol=1e-12, err_msg=name)


def scans(n=60, n_classes=3, n_groups=20, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(n_classes), size=n).round(1) + 0.01
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    groups = np.concatenate([np.arange(n_groups), rng.integers(n_groups, size=n - n_groups)])
    return probabilities, rng.integers(n_classes, size=n), groups


def bootstrap(probabilities, truth, groups, confidence=0.95, seed=0):
    rng = np.random.default_rng(seed)
    return intervals.bootstrap_intervals(probabilities, truth, groups, confidence=confidence, rng=rng)


def same(one, other):
    return all(np.array_equal(one[name], other[name], equal_nan=True) for name in one.keys() | other.keys())


def test_small_blocks_change_nothing(monkeypatch):
    whole = bootstrap(*scans())
    monkeypatch.setattr(intervals, "BLOCK_CELLS", 60 * 7)
    assert same(bootstrap(*scans()), whole)


def test_no_block_is_larger_than_the_limit(monkeypatch):
    monkeypatch.setattr(intervals, "BLOCK_CELLS", 60 * 7)
    seen = []
    draws = intervals._draws
    monkeypatch.setattr(intervals, "_draws", lambda *given: (seen.append(w.shape[1]) or w for w in draws(*given)))
    bootstrap(*scans())
    assert max(seen) == 7
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


def test_intervals_have_a_place_for_every_figure_and_hold_it():
    case = scans()
    limits, figures = bootstrap(*case), point_figures(*case[:2])
    assert limits.keys() == figures.keys() == {*FIGURES, *CLASS_FIGURES}
    for name, value in figures.items():
        assert limits[name].shape == (*value.shape, 2)
        assert (limits[name][..., 0] <= value).all()
        assert (value <= limits[name][..., 1]).all()


def test_interval_leaves_out_as_much_below_as_above():
    values = intervals.resampled_figures(*scans(), rng=np.random.default_rng(0))["f1"]
    found = bootstrap(*scans(), confidence=0.8)["f1"]
    np.testing.assert_allclose(found, np.quantile(values, [0.1, 0.9], axis=1).T)


def test_each_resample_draws_as_many_groups_as_there_are():
    weights = np.concatenate(list(intervals._draws(12, 300, np.random.default_rng(0))), axis=1)
    assert weights.shape == (12, intervals.RESAMPLES)
    assert (weights.sum(axis=0) == 12).all()
    # Drawn with replacement, evenly: a group is in (1 - 1/12) ** 12 = 35 % of the resamples not at all.
    assert (weights == 0).mean() == pytest.approx(0.352, abs=0.02)
    assert weights.mean(axis=1) == pytest.approx(1, abs=0.15)


def test_scans_of_a_patient_are_drawn_together():
    # Ten patients with four scans each, all right or all wrong: accuracy can take tenths only.
    right = np.repeat([1, 1, 1, 1, 1, 1, 1, 0, 0, 0], 4)
    probabilities = np.stack([right, 1 - right], axis=1).astype(float)
    groups = np.repeat(np.arange(10), 4)
    accuracy = intervals.resampled_figures(probabilities, np.zeros(40, int), groups, rng=np.random.default_rng(0))[
        "accuracy"
    ]
    assert np.allclose(accuracy * 10, np.round(accuracy * 10))
    assert accuracy.std() == pytest.approx(np.sqrt(0.7 * 0.3 / 10), rel=0.1)


def test_class_missing_from_some_resamples_is_judged_by_the_others():
    # The second class comes with one patient, who is in about two thirds of the resamples, and is always recognised.
    probabilities = np.array([[0.9, 0.1]] * 9 + [[0.2, 0.8]])
    truth = np.array([0] * 9 + [1])
    values = intervals.resampled_figures(probabilities, truth, np.arange(10), rng=np.random.default_rng(0))["recall"][1]
    assert np.isnan(values).mean() == pytest.approx(0.9**10, abs=0.06)
    assert bootstrap(probabilities, truth, np.arange(10))["recall"][1].tolist() == [1, 1]


def test_class_missing_from_all_resamples_has_no_interval():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2]])
    limits = bootstrap(probabilities, np.array([0, 0]), np.arange(2))
    assert np.isnan(limits["recall"][1]).all()
    assert np.isnan(limits["auroc"]).all()
    assert limits["recall"][0].tolist() == [1, 1]


def coverage(by_patient, repeats=300, n_patients=40, scans_each=8, share=0.8):
    """Say how often the interval of accuracy holds the truth, if a patient's scans are all right or all wrong."""
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(n_patients), scans_each)
    groups = patients if by_patient else np.arange(patients.size)
    truth = np.zeros(patients.size, dtype=int)
    held = 0
    for _ in range(repeats):
        right = (rng.random(n_patients) < share)[patients]
        low, high = bootstrap(np.stack([right, ~right], axis=1).astype(float), truth, groups)["accuracy"]
        held += low <= share <= high
    return held / repeats


def test_intervals_over_patients_cover_the_truth():
    assert 0.90 <= coverage(by_patient=True) <= 0.97


def test_intervals_over_scans_of_few_patients_would_not():
    assert coverage(by_patient=False) < 0.65
