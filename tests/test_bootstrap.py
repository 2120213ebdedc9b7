"""Bootstrap: scipy's intervals where scipy has an answer, and something sensible where it has none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import bootstrap, norm, t

from octlib._bootstrap import BUNDLES, bca_interval, bundle, percentile_interval

# Whole numbers have means that are equal to the last digit where they are equal, which scipy relies upon.
SAMPLES = st.lists(st.integers(-3, 3) | st.integers(0, 1), min_size=4, max_size=60).filter(lambda it: len(set(it)) > 1)
DRAWN = np.random.default_rng(0).normal(size=1000)
EVEN = np.array([-1.0, 1.0] * 10)  # what leaving out does is not skew: no acceleration


def expand(confidence, n):
    """Give the confidence whose normal quantile is Student's of another, expanded as Hesterberg says."""
    return 2 * norm.cdf(np.sqrt(n / (n - 1)) * t.ppf((1 + confidence) / 2, n - 1)) - 1


@given(SAMPLES, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_interval_of_a_mean_is_scipys_of_the_expanded_confidence(values, confidence):
    sample = np.array(values, dtype=float)
    level = expand(confidence, sample.size)
    result = bootstrap((sample,), np.mean, n_resamples=1000, confidence_level=level, method="BCa")
    expected, drawn = result.confidence_interval, result.bootstrap_distribution
    left_out = (sample.sum() - sample) / (sample.size - 1)
    found = bca_interval(sample.mean(), drawn, left_out, confidence)
    assume(expected.low <= sample.mean() <= expected.high)  # others needn't be so in octlib
    assert found == pytest.approx(tuple(expected), abs=1e-9)


@given(st.floats(-5, 5), st.lists(st.floats(-10, 10), min_size=2, max_size=30), st.sampled_from([0.2, 0.95, 0.999]))
def test_the_interval_holds_the_value_and_ends_where_resamples_do(value, left_out, confidence):
    low, high = bca_interval(value, DRAWN, np.array(left_out), confidence)
    assert low <= value <= high
    assert low >= DRAWN.min() or low == value
    assert high <= DRAWN.max() or high == value


def test_without_bias_and_skewness_it_is_the_expanded_percentile_interval():
    level = expand(0.9, EVEN.size)
    assert 0.9 < level < 0.93
    found = bca_interval(np.median(DRAWN), DRAWN, EVEN, 0.9)
    assert found == pytest.approx(np.percentile(DRAWN, [50 - 50 * level, 50 + 50 * level]))
    assert found == pytest.approx(percentile_interval(DRAWN, EVEN.size, 0.9))


def test_fewer_groups_make_it_wider():
    few, many = (percentile_interval(DRAWN, n, 0.95) for n in (4, 10_000))
    assert few[0] < many[0] < many[1] < few[1]
    assert many == pytest.approx(np.percentile(DRAWN, [2.5, 97.5]), abs=0.01)


def test_percentiles_leave_out_what_is_undefined():
    gaps = np.insert(DRAWN, [0, 500, 1000], np.nan)
    assert percentile_interval(gaps, 20, 0.95) == percentile_interval(DRAWN, 20, 0.95)
    assert np.isnan(percentile_interval(np.full(1000, np.nan), 20, 0.95)).all()


@given(st.floats(-1, 1), st.lists(st.floats(-1, 1), min_size=2, max_size=20))
def test_of_the_negative_it_is_the_negative(value, left_out):
    low, high = bca_interval(value, DRAWN, np.array(left_out), 0.95)
    assert bca_interval(-value, -DRAWN, -np.array(left_out), 0.95) == pytest.approx((-high, -low))


def test_resamples_that_equal_the_value_count_one_half_however_they_are_rounded():
    drawn = np.repeat([0.0, 0.3, 1.0], [300, 400, 300])
    assert bca_interval(0.1 + 0.2, drawn, EVEN, 0.3) == (0.3, pytest.approx(0.3))
    assert bca_interval(0.1 + 0.2, drawn, EVEN, 0.5) == (0, 1)


def test_what_is_undefined_is_left_out():
    gaps = np.insert(DRAWN, [0, 500, 1000], np.nan)
    left_out = np.array([0.1, 0.4, 0.2, np.nan])
    expected = bca_interval(0.1, DRAWN, left_out, 0.95)
    assert not np.isnan(expected).any()
    assert bca_interval(0.1, gaps, left_out, 0.95) == expected
    assert bca_interval(0.1, DRAWN, np.full(20, np.nan), 0.95) == bca_interval(0.1, DRAWN, EVEN, 0.95)
    assert np.isnan(bca_interval(np.nan, DRAWN, left_out, 0.95)).all()
    assert np.isnan(bca_interval(0.1, np.full(1000, np.nan), left_out, 0.95)).all()


def test_without_spread_there_is_no_width():
    assert bca_interval(1.0, np.ones(1000), np.ones(20), 0.95) == (1, 1)


@pytest.mark.parametrize("side", [-1, 1])
def test_a_value_beyond_all_resamples_is_an_end(side):
    """It counts as the end that the confidence has, and the other end is as far on the other side of the median."""
    value = side * 10.0
    low, high = sorted(bca_interval(value, DRAWN, EVEN, 0.95), key=lambda end: abs(end - value))
    assert low == value
    reach = norm.ppf((1 + expand(0.95, EVEN.size)) / 2)
    assert high == pytest.approx(np.quantile(DRAWN, norm.cdf(side * reach)))


def test_what_accelerates_without_limit_reaches_the_last_resample():
    skew = np.array([1.0] + [0.0] * 199)  # of groups of which one alone matters
    low, high = bca_interval(0.0, DRAWN, -skew, 1 - 1e-10)
    assert -4 < low < 0
    assert high == DRAWN.max()


def test_rounding_is_no_skewness():
    left_out = np.array([0.3] * 5 + [0.1 + 0.2])
    assert bca_interval(0.1, DRAWN, left_out, 0.95) == bca_interval(0.1, DRAWN, np.full(6, 0.3), 0.95)


def test_groups_are_left_out_alone_and_in_bundles_of_much_the_same_size_where_they_are_many():
    assert sorted(bundle(BUNDLES)) == list(range(BUNDLES))
    sizes = np.bincount(bundle(5 * BUNDLES + 7))
    assert (sizes.size, sizes.min(), sizes.max()) == (BUNDLES, 5, 6)


def test_what_comes_again_and_again_is_in_no_bundle_together():
    """Every fifth group, say, or every hundredth one."""
    bundles = bundle(10 * BUNDLES)
    for period in (5, 100, BUNDLES):
        alike = np.bincount(bundles[::period], minlength=BUNDLES)
        assert alike.max() < 10, period
