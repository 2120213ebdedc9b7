"""Measures: intervals are over patients, of whom each counts with all maps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from octlib.explanation import measures
from octlib.explanation.measures import patient_interval

COUNTS = np.random.default_rng(3).integers(1, 6, 15)
PATIENTS = np.repeat([f"p{number:02}" for number in range(15)], COUNTS)
VALUES = np.random.default_rng(4).exponential(size=COUNTS.sum()) ** 2


def test_it_knows_what_the_mean_is_without_each_patient(monkeypatch):
    seen = []
    monkeypatch.setattr(measures, "bca_interval", lambda *each: seen.append(each) or (0.0, 1.0))
    patient_interval(VALUES, PATIENTS)
    ((value, drawn, left_out, confidence),) = seen
    assert (value, confidence) == (pytest.approx(VALUES.mean()), 0.95)
    rest = [VALUES[each != PATIENTS].mean() for each in np.unique(PATIENTS)]
    np.testing.assert_allclose(sorted(left_out), sorted(rest))
    assert np.mean(drawn) == pytest.approx(value, rel=0.1)


def test_it_is_near_scipys(monkeypatch):
    monkeypatch.setattr(measures, "RESAMPLES", 10_000)
    places = [np.flatnonzero(each == PATIENTS) for each in np.unique(PATIENTS)]

    def mean(chosen):
        return VALUES[np.concatenate([places[int(each)] for each in chosen])].mean()

    # A little more than 95 %, since few patients make octlib's wider.
    expected = bootstrap(
        (np.arange(15),), mean, vectorized=False, n_resamples=5_000, confidence_level=0.973, rng=0
    ).confidence_interval
    assert patient_interval(VALUES, PATIENTS) == pytest.approx(tuple(expected), rel=0.1)


def test_a_scan_without_a_patient_is_a_patient():
    assert patient_interval(VALUES, [None] * len(VALUES)) == patient_interval(
        VALUES, [str(number) for number in range(len(VALUES))]
    )
