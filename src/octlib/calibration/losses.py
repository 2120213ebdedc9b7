"""Losses: how far probabilities are from what comes true."""

from __future__ import annotations

import numpy as np

TINY = float(np.finfo(np.float64).tiny)


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Compute the mean negative logarithm of the probability of the true class.

    Args:
        labels: int (n,).
        probabilities: float (n, classes), rows that sum to 1.

    Returns:
        0 or more, in nats.

    Example:
        >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.25, 0.75]])), 3)
        0.49
    """
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return max(0.0, float(-np.log(np.maximum(own, TINY)).mean()))  # rounding may leave a little more than 1
