"""The table of metrics: entries that agree with what they say of themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octlib.evaluation import METRICS
from octlib.evaluation.arithmetic import mean_of_defined


def test_a_value_has_three_digits_and_its_interval():
    accuracy = METRICS["accuracy"]
    assert accuracy.show(0.9123, (0.88, 0.94149)) == "0.912 [0.880, 0.941]"
    assert accuracy.show(0.5, (float("nan"), float("nan"))) == "0.500"
    assert accuracy.show(float("nan"), (0.1, 0.2)) == "undefined"
    assert replace(accuracy, digits=1).show(0.9123, (0.88, 0.94149)) == "0.9 [0.9, 0.9]"


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_whether_classes_have_values_of_their_own(name):
    value = METRICS[name].value(np.array([0, 1, 2]), np.eye(3))
    assert np.shape(value) == ((3,) if METRICS[name].by_class else ())
    assert METRICS[name].name == name


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_every_value_lies_within_its_limits_and_means_are_means(seed):
    rng = np.random.default_rng(seed)
    truth, probabilities = rng.integers(3, size=12), rng.dirichlet(np.full(3, 0.3), size=12)
    values = {name: np.asarray(metric.value(truth, probabilities)) for name, metric in METRICS.items()}
    for name, metric in METRICS.items():
        low, high = metric.limits
        defined = values[name][~np.isnan(values[name])]
        assert ((low <= defined + 1e-12) & (defined - 1e-12 <= high)).all(), name
        if metric.mean_of:
            assert values[name] == mean_of_defined(values[metric.mean_of])


@pytest.mark.parametrize(
    ("name", "best", "worst"),
    [("accuracy", 1, 0), ("mcc", 1, -1), ("cohen_kappa", 1, -1), ("brier", 0, 2), ("ece", 0, 1)],
)
def test_the_better_end_is_the_one_that_is_said(name, best, worst):
    truth, metric = np.array([0, 1, 0, 1]), METRICS[name]
    assert metric.value(truth, np.eye(2)[truth]) == pytest.approx(best)
    assert metric.value(truth, np.eye(2)[1 - truth]) == pytest.approx(worst)
    assert {best, worst} == set(metric.limits)
    assert (best < worst) == metric.lower_is_better == ("lower is better" in metric.heading)


def test_shares_are_known_as_such():
    shares = {name for name, metric in METRICS.items() if metric.out_of is not None}
    assert shares == {"accuracy", "recall", "specificity", "precision", "npv"}
