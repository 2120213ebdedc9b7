"""Ranks: AUROC and average precision of many resamples, from scores that are sorted once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from octlib.evaluation.arithmetic import divide

Ranking = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def prepare_ranking(scores: np.ndarray, positive: np.ndarray, groups: np.ndarray) -> Ranking:
    """Sort scans by their scores for a class.

    Args:
        scores: float (n,).
        positive: bool (n,), whether a scan is of the class.
        groups: int (n,).

    Returns:
        A function from weights, float (groups, resamples), to the AUROC and the average precision of each resample,
        both float (resamples,), NaN where undefined.
    """
    # From the highest score down. AUROC is Mann-Whitney: the share of pairs in which the positive scan scores higher, a
    # tie being half a win. A positive loses to the negatives above it, whose weights are read off their running sum;
    # all are whole numbers, so that the sums are exact in any order. Average precision is the mean, over the positives,
    # of the precision among the scans that score as high or higher: scikit-learn's sum over steps of recall.
    order = np.argsort(-scores, kind="stable")
    scores, positive, groups = -scores[order], positive[order], groups[order]
    negatives, positives = scores[~positive], scores[positive]
    above = np.searchsorted(negatives, positives, side="left")
    not_below = np.searchsorted(negatives, positives, side="right")
    last_equal = np.searchsorted(positives, positives, side="right") - 1
    negative_groups, positive_groups = groups[~positive], groups[positive]
    tied = bool((above != not_below).any())

    def rank(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        false = np.zeros((negatives.size + 1, weights.shape[1]))
        np.cumsum(weights[negative_groups], axis=0, out=false[1:])
        drawn = weights[positive_groups]
        n_positive, n_negative = drawn.sum(axis=0), false[-1]
        false_alarms = false[not_below]
        losses = np.einsum("ij,ij->j", drawn, false_alarms)
        losses += np.einsum("ij,ij->j", drawn, false[above]) if tied else losses
        precision = np.cumsum(drawn, axis=0)[last_equal]
        false_alarms += precision
        # A scan that isn't drawn counts for nothing, whatever its precision.
        precision /= np.maximum(false_alarms, 1, out=false_alarms)
        pairs = n_positive * n_negative
        return divide(2 * pairs - losses, 2 * pairs), divide(np.einsum("ij,ij->j", drawn, precision), n_positive)

    return rank
