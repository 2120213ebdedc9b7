"""Losses: how far probabilities are from what comes true."""

from __future__ import annotations

import numpy as np

BINS = 15  # as in Guo et al. 2017
TINY = float(np.finfo(np.float64).tiny)


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Compute the mean negative logarithm of the probability of the true class.

    Args:
        probabilities: float (n, classes), rows that sum to 1.
        labels: int (n,).

    Returns:
        0 or more, in nats.

    Example:
        >>> round(log_loss(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1])), 3)
        0.49
    """
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return max(0.0, float(-np.log(np.maximum(own, TINY)).mean()))  # rounding may leave a little more than 1


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Compute the expected calibration error of the predicted class, over 15 bins of equal width.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2.

    Args:
        probabilities: float (n, classes), rows that sum to 1.
        labels: int (n,).

    Returns:
        In [0, 1]: by how much the probability of the predicted class differs from the share that is right, as a mean
        over bins of that probability, each weighted by its scans.

    Example:
        >>> round(calibration_error(np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1])), 3)
        0.4
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(labels))
