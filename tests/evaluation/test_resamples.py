"""Resamples: equal to scikit-learn, resample by resample."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from octlib.evaluation.metrics import METRICS
from octlib.evaluation.resamples import GroupedScans, Resamples


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


@settings(max_examples=100)
@given(resampled_scans())
def test_the_fast_form_of_every_metric_is_its_definition_on_the_resample(case):
    probabilities, truth, groups, weights = case
    drawn = np.repeat(np.arange(truth.size), weights[groups])
    columns = np.stack([weights, np.ones_like(weights)], axis=1).astype(float)
    resamples = Resamples(GroupedScans(truth, probabilities, groups), columns)
    for name, metric in METRICS.items():
        expected = metric.value(truth[drawn], probabilities[drawn])
        np.testing.assert_allclose(metric.resampled(resamples)[..., 0], expected, atol=1e-12, err_msg=name)
