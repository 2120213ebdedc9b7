"""Arithmetic: quotients and means in which what is undefined stays so, in silence."""

from __future__ import annotations

import numpy as np


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide; NaN where there is nothing to divide by.

    Args:
        numerator: any shape.
        denominator: the same shape, 0 or more.

    Returns:
        float, the same shape.
    """
    ratio: np.ndarray = np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)
    return ratio


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Average over the first axis what isn't NaN; NaN where nothing is left.

    Args:
        values: float (classes, ...).

    Returns:
        float (...).

    Example:
        >>> mean_of_defined(np.array([[1.0, np.nan], [np.nan, np.nan], [0.0, np.nan]]))
        array([0.5, nan])
    """
    return divide(np.nansum(values, axis=0), (~np.isnan(values)).sum(axis=0))
