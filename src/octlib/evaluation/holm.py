"""Holm: p values of several tests, corrected."""

from __future__ import annotations

import numpy as np


def correct_by_holm(p: np.ndarray) -> np.ndarray:
    """Correct p values of a family of tests (Holm, Scandinavian Journal of Statistics 6, 1979).

    Args:
        p: float (tests,); NaN is no test, and doesn't count.

    Returns:
        float (tests,).

    Example:
        >>> correct_by_holm(np.array([0.01, 0.04, np.nan, 0.03]))
        array([0.03, 0.06,  nan, 0.06])
    """
    corrected = np.full(p.shape, np.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]  # NaN come last
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return corrected
