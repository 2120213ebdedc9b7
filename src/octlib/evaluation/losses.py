"""Losses: what the probabilities of each scan are off by."""

from __future__ import annotations

import numpy as np

BINS = 15  # of the confidence, as in Guo et al. 2017


def squared_errors(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Sum the squared errors of a scan's probabilities over the classes (Brier 1950).

    Args:
        truth: int (n,).
        probabilities: float (n, classes).

    Returns:
        float (n,), from 0 to 2.
    """
    hit = probabilities[np.arange(truth.size), truth]
    return np.asarray((probabilities**2).sum(axis=1) - hit**2 + (1 - hit) ** 2)


def bin_confidence(probabilities: np.ndarray) -> np.ndarray:
    """Sort scans into equal bins of the confidence in the predicted class, its upper end being part of each.

    Args:
        probabilities: float (n, classes).

    Returns:
        int (n,), from 0 to ``BINS`` - 1.
    """
    return np.asarray(np.searchsorted(np.arange(1, BINS) / BINS, probabilities.max(axis=1), side="left"))


def calibration_gaps(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Say by how much each scan was recognised more surely than was thought: 1 or 0, less the confidence.

    Args:
        truth: int (n,).
        probabilities: float (n, classes).

    Returns:
        float (n,), from -1 to 1.
    """
    return np.asarray((probabilities.argmax(axis=1) == truth) - probabilities.max(axis=1))
