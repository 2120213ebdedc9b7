"""Temperature: the one that spoiled probabilities is found again, on other patients too."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.calibration.temperature import HIGHEST, LOWEST, cross_fitted, find_temperature
from octlib.models import Postprocessing


def spoiled(temperature, n=4000):
    """Draw true probabilities and labels; give the former as if they had been divided by a temperature."""
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(4), size=n)
    labels = np.array([rng.choice(4, p=row) for row in rows])
    sharp = rows**temperature
    return sharp / sharp.sum(axis=1, keepdims=True), labels, rows


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_it_is_found_again(temperature):
    rows, labels, _ = spoiled(temperature)
    assert find_temperature(rows, labels, Postprocessing()) == pytest.approx(temperature, rel=0.1)


def test_where_nothing_is_best_it_stops_at_its_bounds():
    rows = np.tile([0.6, 0.4], (20, 1))
    assert find_temperature(rows, np.zeros(20, dtype=int), Postprocessing()) == LOWEST
    assert find_temperature(rows, np.ones(20, dtype=int), Postprocessing()) == HIGHEST


def test_a_patient_has_no_part_in_its_own_temperature():
    rows, labels, truth = spoiled(2.0, n=600)
    patients = np.arange(600) // 3
    found = cross_fitted(rows, labels, patients, Postprocessing(), 5)
    assert np.abs(found - truth).mean() < 0.5 * np.abs(rows - truth).mean()
    first = patients % 5 == 0
    changed = np.where(first, (labels + 1) % 4, labels)
    np.testing.assert_array_equal(cross_fitted(rows, changed, patients, Postprocessing(), 5)[first], found[first])
    assert cross_fitted(rows, labels, np.zeros(600, dtype=int), Postprocessing(), 5) is None
