"""Intervals: how far each metric would move with other patients, by the bootstrap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from octlib.evaluation.metrics import METRICS, Interval
from octlib.evaluation.resamples import GroupedScans, Resamples

RESAMPLES = 1000
# Scans times resamples that are held at once: about 100 MB, whatever the number of scans.
BLOCK_CELLS = 2_000_000


def caveat_of(intervals: Iterable[Interval]) -> str:
    """Say what intervals without width leave unsaid; nothing where there are none.

    Example:
        >>> caveat_of([(0.8, 0.9), (1.0, 1.0)])
        "An interval without width is no certainty: the bootstrap can't draw what was never seen."
    """
    if not any(low == high for low, high in intervals):
        return ""
    return "An interval without width is no certainty: the bootstrap can't draw what was never seen."


def bootstrap_intervals(scans: GroupedScans, *, confidence: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Compute percentile bootstrap intervals over groups of scans.

    Groups (patients) are drawn with replacement, as many as there are, and all scans of a drawn group come along: scans
    of one patient resemble one another, and an interval that took them for independent would be too narrow. The
    interval lies between the percentiles of the metric over the resamples in which it is defined (Efron & Tibshirani,
    An Introduction to the Bootstrap, 1993, ch. 13).

    Args:
        scans: with their groups, which are drawn.
        confidence: in (0, 1).
        rng: draws the groups.

    Returns:
        For each of ``METRICS`` an array (2,) or, by class, (classes, 2): low, high. NaN where the metric is undefined
        in every resample.
    """
    return {name: _percentiles(values, confidence) for name, values in resample_metrics(scans, rng=rng).items()}


def resample_metrics(scans: GroupedScans, *, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Compute every metric for each of ``RESAMPLES`` resamples of the groups.

    Args:
        scans: with their groups.
        rng: draws the groups.

    Returns:
        For each of ``METRICS`` an array (RESAMPLES,) or, by class, (classes, RESAMPLES).
    """
    block = max(1, BLOCK_CELLS // scans.truth.size)
    blocks: list[dict[str, np.ndarray]] = []
    for weights in _draws(scans.n_groups, block, rng):
        resamples = Resamples(scans, weights)
        blocks.append({name: metric.resampled(resamples) for name, metric in METRICS.items()})
    return {name: np.concatenate([block[name] for block in blocks], axis=-1) for name in METRICS}


def _draws(n_groups: int, block: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    # One row of draws a resample, so that the size of the blocks changes nothing.
    for start in range(0, RESAMPLES, block):
        size = min(block, RESAMPLES - start)
        drawn = rng.integers(n_groups, size=(size, n_groups))
        cells = drawn * size + np.arange(size)[:, None]
        yield np.bincount(cells.ravel(), minlength=n_groups * size).reshape(n_groups, size).astype(float)


def _percentiles(values: np.ndarray, confidence: float) -> np.ndarray:
    # nanpercentile warns where nothing is defined; such rows stay NaN.
    rows = np.atleast_2d(values)
    limits = np.full((len(rows), 2), np.nan)
    for limit, row in zip(limits, rows, strict=True):
        defined = row[~np.isnan(row)]
        if defined.size:
            limit[:] = np.percentile(defined, [50 * (1 - confidence), 50 * (1 + confidence)])
    return limits.reshape((*values.shape[:-1], 2))
