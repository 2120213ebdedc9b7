"""Losses: a scan is in the bin whose upper end it doesn't surpass, and errors are what they are by hand."""

from __future__ import annotations

import numpy as np

from octlib.evaluation.losses import BINS, bin_confidence, calibration_gaps, squared_errors


def test_the_upper_end_belongs_to_a_bin():
    edges = np.arange(1, BINS + 1) / BINS
    rows = np.stack([edges, 1 - edges], axis=1)[8:]  # where the first class is the predicted one
    assert bin_confidence(rows).tolist() == list(range(8, BINS))
    assert bin_confidence(np.add(rows, [[1e-9, 0]])).tolist() == [*range(9, BINS), BINS - 1]


def test_errors_by_hand():
    truth, rows = np.array([0, 1]), np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1]])
    np.testing.assert_allclose(squared_errors(truth, rows), [0.09 + 0.04 + 0.01, 0.25 + 0.36 + 0.01])
    np.testing.assert_allclose(calibration_gaps(truth, rows), [0.3, -0.5])
