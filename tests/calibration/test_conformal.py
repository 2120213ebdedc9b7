"""Conformal: sets of exchangeable scans hold the true class as often as they promise, and little more often."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.calibration import conformal
from octlib.calibration.conformal import check_coverage, find_least, patients_needed
from octlib.errors import MissingPackageError

pytest.importorskip("mapie", reason="needs octlib[trust]")


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_further_scans_are_covered_as_often_as_promised(coverage):
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        rows = rng.dirichlet(np.ones(3), size=80)
        labels = np.array([rng.choice(3, p=row) for row in rows])
        least = find_least(rows[:40], labels[:40], coverage)
        covered.append(np.mean(rows[np.arange(40, 80), labels[40:]] >= least))
    error = np.std(covered) / np.sqrt(len(covered))
    assert coverage - 3 * error < np.mean(covered) < coverage + 1 / 41 + 3 * error


def test_as_many_patients_are_needed_as_mapie_takes():
    rows, labels = np.tile([0.7, 0.3], (10, 1)), np.zeros(10, dtype=int)
    assert patients_needed(0.9) == 10
    assert find_least(rows, labels, 0.9) == pytest.approx(0.7)
    with pytest.raises(ValueError, match=r"."):  # of MAPIE's own
        find_least(rows[:9], labels[:9], 0.9)


def test_what_can_not_be_asked_for_is_refused(monkeypatch):
    for value in (0.4, 1, 1.5):
        with pytest.raises(ValueError, match="coverage must be from 0.5 to below 1"):
            check_coverage(value)
    with pytest.raises(TypeError, match="coverage must be a number, got '90 %'"):
        check_coverage("90 %")
    monkeypatch.setattr(conformal, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'octlib\[trust\]'"):
        check_coverage(0.9)
