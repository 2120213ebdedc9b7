"""McNemar: which of two classifiers is right more often, where scans of one patient depend on one another."""

from __future__ import annotations

import numpy as np

FEW_DISCORDANT = 25  # patients: with fewer, the chi-squared distribution is no good approximation


def compare_hits(first: np.ndarray, second: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Test whether two classifiers are right equally often, by McNemar's test for clustered data.

    A patient's difference is the number of scans that only the first gets right, less that of scans that only the
    second does. The statistic is the squared sum of these differences over the sum of their squares (Yang, Sun &
    Hardin, A note on the tests for clustered matched-pair binary data, Biometrical Journal 52, 2010); where every
    patient has one scan, it is McNemar's without a correction for continuity. With fewer than 25 patients whose
    difference isn't 0, the p value is exact: of all ways to give these differences signs, the share that make the sum
    at least as large. Where every patient has one scan, that is the exact test of McNemar.

    Args:
        first: bool (n,), whether the first classifier is right.
        second: bool (n,), the same of the second.
        groups: int (n,), numbers of patients, from 0 on.

    Returns:
        The statistic, and the p value in [0, 1], two-sided; 0 and 1 where no patient makes a difference.

    Example:
        >>> first, second = np.ones(12, dtype=bool), np.arange(12) > 7
        >>> compare_hits(first, second, np.arange(12))
        (8.0, 0.0078125)
        >>> compare_hits(first, second, np.arange(12) // 4)  # the same scans, of 3 patients
        (2.0, 0.5)
    """
    hits = first.astype(int) - second.astype(int)
    differences = np.round(np.bincount(groups, weights=hits)).astype(int)
    differences = differences[differences != 0]
    if not differences.size:
        return 0.0, 1.0
    statistic = float(differences.sum() ** 2 / (differences**2).sum())
    if differences.size < FEW_DISCORDANT:
        return statistic, _flip_signs(differences)
    from scipy.stats import chi2

    return statistic, float(chi2.sf(statistic, 1))


def _flip_signs(differences: np.ndarray) -> float:
    # The distribution of the sum: each patient moves it up or down by the size of the difference.
    shares = np.ones(1)
    for size in np.abs(differences):
        step = np.zeros(2 * size + 1)
        step[[0, -1]] = 0.5
        shares = np.convolve(shares, step)
    total = np.abs(differences).sum()
    sums = np.arange(-total, total + 1)
    return float(min(1, shares[np.abs(sums) >= abs(differences.sum())].sum()))
