"""Bootstrap: the interval of a figure, from what it is in resamples of groups."""

from __future__ import annotations

import numpy as np

BUNDLES = 200  # of groups that are left out together, at most: more would cost time and change next to nothing
NOTHING = 1e-12  # what rounding leaves of a difference of 0 is smaller


def bundle(n_groups: int) -> np.ndarray:
    """Put groups into the bundles that are left out one at a time: as many as there are groups, and 200 at most.

    Args:
        n_groups: that there are.

    Returns:
        int (n_groups,), the bundle of each, from 0 on; the same at every call.

    Example:
        >>> sorted(bundle(3).tolist())
        [0, 1, 2]
        >>> np.bincount(bundle(500)).tolist() == [3] * 100 + [2] * 100
        True
    """
    # By chance: neighbours may resemble one another, and so may, say, all groups with even numbers.
    return np.random.default_rng(0).permutation(n_groups) % min(n_groups, BUNDLES)


def bca_interval(value: float, drawn: np.ndarray, left_out: np.ndarray, confidence: float) -> tuple[float, float]:
    """Compute the BCa interval of a figure: bias-corrected and accelerated.

    It lies between two percentiles of what a figure is in resamples, as the plain percentile interval does. Which ones
    depends on the bias: by how much more or less than half of the resamples lie below the value (those that equal it
    count one half); and on the acceleration: by how much the figure's standard error changes with the figure, estimated
    from the skewness of what leaving out groups does to it (Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
    section 14.3).

    Of few groups it is expanded as ``percentile_interval`` is. More than 200 count as 200, which makes no difference to
    speak of.

    No interval excludes the value: where most resamples lie on one side of it, the bias counts for as much as makes the
    value an end of the interval.

    Args:
        value: of the figure; NaN where it is undefined.
        drawn: float (resamples,), the figure of each resample; NaN, where it is undefined, is left out.
        left_out: float (bundles,), two or more, the figure without each bundle of groups; likewise.
        confidence: in (0, 1).

    Returns:
        Low and high end; NaN where the figure is undefined, or so in every resample.

    Example:
        >>> values = np.random.default_rng(0).exponential(size=40)
        >>> drawn = np.random.default_rng(1).choice(values, size=(1000, 40)).mean(axis=1)
        >>> low, high = bca_interval(values.mean(), drawn, (values.sum() - values) / 39, confidence=0.95)
        >>> lowest, highest = np.percentile(drawn, [2.5, 97.5])
        >>> bool(lowest < low and highest < high)  # of few large values, a sample has too few sooner than too many
        True
    """
    from scipy.special import ndtr, ndtri

    drawn = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not drawn.size:
        return np.nan, np.nan
    reach = _expand(left_out.size, confidence)
    below = ((drawn < value - NOTHING).mean() + (drawn <= value + NOTHING).mean()) / 2
    bias = np.clip(ndtri(below), -reach, reach)
    ends = bias + np.array([-reach, reach])
    # What accelerates without limit reaches the last resample.
    shares = ndtr(bias + ends / np.maximum(1 - _accelerate(left_out) * ends, NOTHING))
    low, high = np.quantile(drawn, shares).tolist()
    return min(low, float(value)), max(high, float(value))


def percentile_interval(drawn: np.ndarray, n_groups: int, confidence: float) -> tuple[float, float]:
    """Compute the percentile interval, expanded for few groups.

    Resamples of n groups vary less than samples do, by n - 1 out of n, and by how much is an estimate itself. So the
    interval reaches further than a normal one would for the confidence: as far as Student's t, times the square root of
    n / (n - 1) (Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69, 2015, section
    5.3).

    Args:
        drawn: float (resamples,), the figure of each resample; NaN, where it is undefined, is left out.
        n_groups: that were drawn from, two or more.
        confidence: in (0, 1).

    Returns:
        Low and high end; NaN where the figure is undefined in every resample.

    Example:
        >>> drawn = np.arange(1001.0)
        >>> low, high = percentile_interval(drawn, n_groups=10_000, confidence=0.9)
        >>> round(low), round(high)
        (50, 950)
        >>> low, high = percentile_interval(drawn, n_groups=10, confidence=0.9)
        >>> round(low), round(high)
        (27, 973)
    """
    from scipy.special import ndtr

    drawn = drawn[~np.isnan(drawn)]
    if not drawn.size:
        return np.nan, np.nan
    reach = _expand(n_groups, confidence)
    low, high = np.quantile(drawn, [ndtr(-reach), ndtr(reach)]).tolist()
    return low, high


def _expand(n_groups: int, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(np.sqrt(n_groups / (n_groups - 1)) * stdtrit(n_groups - 1, (1 + confidence) / 2))


def _accelerate(left_out: np.ndarray) -> float:
    defined = left_out[~np.isnan(left_out)]
    if not defined.size:
        return 0.0
    changes = defined.mean() - defined
    if np.abs(changes).max() < NOTHING:
        return 0.0
    return float((changes**3).sum() / (6 * (changes**2).sum() ** 1.5))
