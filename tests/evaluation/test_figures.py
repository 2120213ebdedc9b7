"""Figures: equal to the last digit in whatever order scans come, and without intervals of one patient."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from octlib.evaluation.figures import measure_figures
from octlib.evaluation.metrics import METRICS

HOW = {"confidence": 0.95, "seed": 0, "level": "scan"}
RNG = np.random.default_rng(0)
TRUTH, PROBABILITIES = np.arange(24) % 3, RNG.dirichlet(np.ones(3), size=24)
PATIENTS = np.array([f"p{number // 3}" for number in range(24)], dtype=object)


def figures(order):
    return measure_figures(TRUTH[order], PROBABILITIES[order], PATIENTS[order], ("A", "B", "C"), **HOW)


@settings(max_examples=10)
@given(st.permutations(range(24)))
def test_their_order_changes_no_digit(order):
    one, other = figures(np.arange(24)), figures(np.array(order))
    assert (one.metrics, one.intervals) == (other.metrics, other.intervals)


def test_one_patient_has_figures_and_no_intervals():
    found = measure_figures(TRUTH, PROBABILITIES, np.full(24, "p", dtype=object), ("A", "B", "C"), **HOW)
    assert found.n_patients == 1
    assert set(found.metrics) == set(found.intervals) == set(METRICS)
    assert np.isnan(found.intervals["accuracy"]).all()
    assert 0 <= found.metrics["accuracy"] <= 1
