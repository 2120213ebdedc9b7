"""Intervals: how far each figure would move with other patients, by the bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

RESAMPLES = 1000
# Scans times resamples that are held at once: about 100 MB, whatever the number of scans.
BLOCK_CELLS = 2_000_000


def bootstrap_intervals(
    probabilities: np.ndarray, truth: np.ndarray, groups: np.ndarray, *, confidence: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Compute percentile bootstrap intervals over groups of scans.

    Groups (patients) are drawn with replacement, as many as there are, and all scans of a drawn group come along: scans
    of one patient resemble one another, and an interval that took them for independent would be too narrow. The
    interval lies between the percentiles of the figure over the resamples in which it is defined (Efron & Tibshirani,
    An Introduction to the Bootstrap, 1993, ch. 13).

    Args:
        probabilities: float (n, classes).
        truth: int (n,), the index of each scan's class.
        groups: int (n,), 0 to one less than the number of groups: what is drawn.
        confidence: in (0, 1).
        rng: draws the groups.

    Returns:
        The keys of ``figures.point_figures``; for a single figure an array (2,), for one a class (classes, 2): low,
        high. NaN where the figure is undefined in every resample.
    """
    return {
        name: _percentiles(values, confidence)
        for name, values in resampled_figures(probabilities, truth, groups, rng=rng).items()
    }


def resampled_figures(
    probabilities: np.ndarray, truth: np.ndarray, groups: np.ndarray, *, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Compute every figure for each of ``RESAMPLES`` resamples of the groups.

    Args:
        probabilities: float (n, classes).
        truth: int (n,).
        groups: int (n,).
        rng: draws the groups.

    Returns:
        The keys of ``figures.point_figures``; arrays (RESAMPLES,) and (classes, RESAMPLES).
    """
    n_groups = int(groups.max()) + 1
    block = max(1, BLOCK_CELLS // truth.size)
    figures = weighted_figures(probabilities, truth, groups)
    parts = [figures(weights) for weights in _draws(n_groups, block, rng)]
    return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}


def weighted_figures(
    probabilities: np.ndarray, truth: np.ndarray, groups: np.ndarray
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Prepare the figures of many resamples at once: sort and count now, weight later.

    Args:
        probabilities: float (n, classes).
        truth: int (n,).
        groups: int (n,).

    Returns:
        A function from weights, float (groups, resamples) of whole numbers (how often a resample holds a group), to the
        keys of ``figures.point_figures`` with arrays (resamples,) and (classes, resamples).
    """
    n_classes = probabilities.shape[1]
    confusion = _weighted_confusion(probabilities.argmax(axis=1), truth, groups, n_classes)
    aurocs = [_weighted_auroc(probabilities[:, index], truth == index, groups) for index in range(n_classes)]

    def figures(weights: np.ndarray) -> dict[str, np.ndarray]:
        auroc = np.stack([auroc(weights) for auroc in aurocs])
        return {**_confusion_figures(confusion(weights)), "auroc": auroc}

    return figures


def _draws(n_groups: int, block: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    # One row of draws a resample, so that the size of the blocks changes nothing.
    for start in range(0, RESAMPLES, block):
        size = min(block, RESAMPLES - start)
        drawn = rng.integers(n_groups, size=(size, n_groups))
        cells = drawn * size + np.arange(size)[:, None]
        yield np.bincount(cells.ravel(), minlength=n_groups * size).reshape(n_groups, size).astype(float)


def _weighted_confusion(
    predicted: np.ndarray, truth: np.ndarray, groups: np.ndarray, n_classes: int
) -> Callable[[np.ndarray], np.ndarray]:
    from scipy.sparse import csr_array

    # One confusion matrix a group; sparse, because a patient's scans fill few of its cells.
    counts = csr_array(
        (np.ones(truth.size), (truth * n_classes + predicted, groups)), shape=(n_classes**2, int(groups.max()) + 1)
    )

    def confusion(weights: np.ndarray) -> np.ndarray:
        return np.asarray(counts @ weights).reshape(n_classes, n_classes, -1)

    return confusion


def _weighted_auroc(scores: np.ndarray, positive: np.ndarray, groups: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    # Mann-Whitney: the share of pairs in which the positive scan scores higher, a tie being half a win. A positive's
    # wins are the weights of the negatives below it, read off their running sum; all are whole numbers or halves, so
    # the sums are exact in any order.
    order = np.argsort(scores[~positive], kind="stable")
    negatives = scores[~positive][order]
    below = np.searchsorted(negatives, scores[positive], side="left")
    not_above = np.searchsorted(negatives, scores[positive], side="right")
    negative_groups, positive_groups = groups[~positive][order], groups[positive]

    def auroc(weights: np.ndarray) -> np.ndarray:
        running = np.zeros((negatives.size + 1, weights.shape[1]))
        np.cumsum(weights[negative_groups], axis=0, out=running[1:])
        own = weights[positive_groups]
        wins = np.einsum("ij,ij->j", own, running[below]) + np.einsum("ij,ij->j", own, running[not_above])
        return _ratio(wins, 2 * running[-1] * own.sum(axis=0))

    return auroc


def _confusion_figures(confusion: np.ndarray) -> dict[str, np.ndarray]:
    # (classes, classes, resamples), rows are the truth; the same definitions as in figures.py, which the tests hold
    # them to.
    hits = np.einsum("iij->ij", confusion)
    support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    recall = _ratio(hits, support)
    f1 = np.where(support > 0, _ratio(2 * hits, support + predicted), np.nan)
    present = (support > 0).sum(axis=0)
    return {
        "accuracy": hits.sum(axis=0) / support.sum(axis=0),
        "balanced_accuracy": np.nansum(recall, axis=0) / present,
        "macro_f1": np.nansum(f1, axis=0) / present,
        "f1": f1,
        "precision": _ratio(hits, predicted),
        "recall": recall,
    }


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    ratio: np.ndarray = np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)
    return ratio


def _percentiles(values: np.ndarray, confidence: float) -> np.ndarray:
    # nanpercentile warns where nothing is defined; such rows stay NaN.
    rows = np.atleast_2d(values)
    limits = np.full((len(rows), 2), np.nan)
    for limit, row in zip(limits, rows, strict=True):
        defined = row[~np.isnan(row)]
        if defined.size:
            limit[:] = np.percentile(defined, [50 * (1 - confidence), 50 * (1 + confidence)])
    return limits.reshape((*values.shape[:-1], 2))
