"""DeLong: whether two AUROCs differ, where scans of one patient depend on one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOTHING = 1e-12  # what rounding leaves of a difference or a standard error of 0 is smaller


def compare_aurocs(
    positive: np.ndarray, first: np.ndarray, second: np.ndarray, groups: np.ndarray
) -> tuple[float, float]:
    """Test whether two classifiers tell a class from the rest equally well, by DeLong's test for clustered data.

    The variance of the difference of the AUROCs is that of Obuchowski (Nonparametric analysis of clustered ROC curve
    data, Biometrics 53, 1997), who sums the components of DeLong, DeLong & Clarke-Pearson (Biometrics 44, 1988) within
    each patient. Where every patient has one scan, the test is theirs. It is approximate: the difference over its
    standard error is taken for normal.

    Args:
        positive: bool (n,), which scans are of the class.
        first: float (n,), scores of the first classifier.
        second: float (n,), scores of the second.
        groups: int (n,), numbers of patients, from 0 on.

    Returns:
        z, positive where the first AUROC is higher, and the p value in [0, 1], two-sided. 0 and 1 where both rank the
        scans alike; NaN where no scan or every scan is of the class, where scans of the class or others are of one
        patient alone, or where AUROCs differ and their difference has no variance.

    Example:
        >>> positive = np.arange(8) % 2 == 1
        >>> first, second = np.array([1, 5, 3, 4, 2, 7, 6, 8]), np.array([1, 2, 5, 4, 3, 6, 8, 7])
        >>> z, p = compare_aurocs(positive, first, second, np.arange(8))
        >>> round(z, 3), round(p, 3)
        (2.315, 0.021)
    """
    if positive.all() or not positive.any():
        return np.nan, np.nan
    one, other = (_components(positive, scores, groups) for scores in (first, second))
    difference = one.area - other.area
    if np.array_equal(one.won, other.won) and np.array_equal(one.lost, other.lost):
        return 0.0, 1.0
    positives, negatives = one.positives - other.positives, one.negatives - other.negatives
    error = np.sqrt(np.maximum(_variance(positives, negatives, positive, groups), 0))  # rounding may go below
    if error <= NOTHING and abs(difference) <= NOTHING:
        return 0.0, 1.0
    if not error > NOTHING:
        return np.nan, np.nan
    from scipy.stats import norm

    z = difference / error
    return float(z), float(2 * norm.sf(abs(z)))


@dataclass(frozen=True)
class _Components:
    """Shares of pairs that scans of the class win and others lose; how far those of each patient lie from the mean."""

    area: float
    won: np.ndarray
    lost: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray


def _components(positive: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> _Components:
    own, others = scores[positive], scores[~positive]
    won = _share_below(own, others)  # of the pairs that each positive scan is in
    lost = 1 - _share_below(others, own)
    area, n_groups = won.mean(), groups.max() + 1
    return _Components(
        area=float(area),
        won=won,
        lost=lost,
        positives=np.bincount(groups[positive], won - area, n_groups),
        negatives=np.bincount(groups[~positive], lost - area, n_groups),
    )


def _share_below(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    # A tie is half a win.
    ranked = np.sort(others)
    below, not_above = np.searchsorted(ranked, scores, "left"), np.searchsorted(ranked, scores, "right")
    return np.asarray((below + not_above) / (2 * len(others)))


def _variance(positives: np.ndarray, negatives: np.ndarray, positive: np.ndarray, groups: np.ndarray) -> float:
    n_positive, n_negative = positive.sum(), (~positive).sum()
    with_positive, with_negative = len(np.unique(groups[positive])), len(np.unique(groups[~positive]))
    if with_positive < 2 or with_negative < 2:
        return np.nan
    both = len(np.unique(groups))
    return float(
        with_positive / (with_positive - 1) * (positives**2).sum() / n_positive**2
        + with_negative / (with_negative - 1) * (negatives**2).sum() / n_negative**2
        + 2 * both / (both - 1) * (positives * negatives).sum() / (n_positive * n_negative)
    )
