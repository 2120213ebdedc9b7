"""Intervals: how far each metric would move with other patients, by the bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np

from octlib._bootstrap import bca_interval, bundle
from octlib.evaluation.arithmetic import divide
from octlib.evaluation.metrics import METRICS
from octlib.evaluation.resamples import Counts, GroupedScans, Resamples

RESAMPLES = 1000
# Scans times resamples that are held at once: about 100 MB, whatever the number of scans.
BLOCK_CELLS = 2_000_000


def bootstrap_intervals(
    scans: GroupedScans, *, confidence: float, rng: np.random.Generator, names: Iterable[str] = METRICS
) -> dict[str, np.ndarray]:
    """Compute BCa bootstrap intervals over groups of scans.

    Groups (patients) are drawn with replacement, as many as there are, and all scans of a drawn group come along: scans
    of one patient resemble one another, and an interval that took them for independent would be too narrow. How an
    interval follows from the resamples, and from the scans without some of the groups: see ``octlib._bootstrap``.

    A share of exactly 0 or 1 is so in every resample. Its interval is Clopper-Pearson's, for as many trials as there
    are groups that count: see ``effective_groups``. Chance makes ECE larger, in resamples even more than in the scans,
    so that its low end is taken from the distance of the two: see ``Resamples.ece_low``.

    Args:
        scans: with their groups, which are drawn.
        confidence: in (0, 1).
        rng: draws the groups.
        names: of the metrics.

    Returns:
        For each of the metrics an array (2,) or, by class, (classes, 2): low, high. NaN where the metric is undefined,
        or so in every resample.
    """
    names = tuple(names)
    lows = {name: low for name in names if (low := METRICS[name].resampled_low) is not None}
    values = {name: METRICS[name].resampled for name in names}
    # Both from the same draws: all that stands under a name and "low" is for the low end.
    resampled = _resample(scans, values | {f"{name} low": low for name, low in lows.items()}, rng)
    limits = find_intervals(scans, {name: resampled[name] for name in names}, confidence=confidence)
    for name in lows:
        limits[name][..., 0] = np.quantile(resampled[f"{name} low"][..., -RESAMPLES:], (1 - confidence) / 2, axis=-1)
    return limits


def find_intervals(
    scans: GroupedScans, resampled: dict[str, np.ndarray], *, confidence: float
) -> dict[str, np.ndarray]:
    """Find the intervals of metrics that were computed for resamples: see ``bootstrap_intervals``.

    Args:
        scans: that were drawn from.
        resampled: from ``resample_metrics``.
        confidence: in (0, 1).

    Returns:
        For each of the metrics an array (2,) or, by class, (classes, 2): low, high.
    """
    limits = {name: correct_intervals(values, confidence) for name, values in resampled.items()}
    for name in limits:
        out_of, values = METRICS[name].out_of, resampled[name][..., 0]
        if out_of is not None and ((values == 0) | (values == 1)).any():
            _replace_exact(limits[name], values, effective_groups(scans, out_of), confidence)
    return limits


def resample_metrics(
    scans: GroupedScans, *, rng: np.random.Generator, names: Iterable[str] = METRICS
) -> dict[str, np.ndarray]:
    """Compute metrics of all groups, without each bundle of them, and for each of ``RESAMPLES`` resamples of them.

    Args:
        scans: with their groups.
        rng: draws the groups.
        names: of the metrics.

    Returns:
        For each of them an array (n,) or, by class, (classes, n), n being 1 + bundles + RESAMPLES, in this order. What
        is computed from several metrics, such as their difference, has intervals as they have.
    """
    return _resample(scans, {name: METRICS[name].resampled for name in names}, rng)


def correct_intervals(resampled: np.ndarray, confidence: float) -> np.ndarray:
    """Give the BCa interval of each row of what ``resample_metrics`` gives: float (..., n) to (..., 2)."""
    rows = resampled.reshape(-1, resampled.shape[-1])
    values, left_out, drawn = np.split(rows, [1, -RESAMPLES], axis=1)
    limits = [bca_interval(*row, confidence) for row in zip(values[:, 0], drawn, left_out, strict=True)]
    return np.array(limits).reshape(*resampled.shape[:-1], 2)


def effective_groups(scans: GroupedScans, out_of: Callable[[Counts], np.ndarray]) -> np.ndarray:
    """Say how many groups of equal size would weigh as much as those that a share rests on.

    That is (sum m)^2 / (sum m^2) for groups of m scans (Kish, Survey Sampling, 1965, section 11.7): all of them where
    they are of one size, and few where few of them have most of the scans.

    Args:
        scans: with their groups.
        out_of: counts the scans that the share is a share of.

    Returns:
        float () or (classes,); NaN where there are none.
    """
    sizes = [out_of(counts) for counts in scans.count()]
    total = sum(each.sum(axis=-1) for each in sizes)
    return divide(np.asarray(total) ** 2, np.asarray(sum((each**2).sum(axis=-1) for each in sizes)))


def exact_interval(value: float, trials: float, confidence: float) -> tuple[float, float]:
    """Give the interval of a share of exactly 0 or 1 (Clopper & Pearson, Biometrika 26, 1934).

    Args:
        value: 0 or 1.
        trials: it was found in; not necessarily a whole number.
        confidence: in (0, 1).

    Returns:
        Its low and high end.

    Example:
        >>> low, high = exact_interval(1, trials=30, confidence=0.95)
        >>> round(low, 3), high
        (0.884, 1.0)
    """
    reach = float(((1 - confidence) / 2) ** (1 / trials))
    return (reach, 1.0) if value == 1 else (0.0, 1 - reach)


def _replace_exact(limits: np.ndarray, values: np.ndarray, trials: np.ndarray, confidence: float) -> None:
    for ends, value, each in zip(limits.reshape(-1, 2), np.ravel(values), np.ravel(trials), strict=True):
        if value in (0, 1):
            ends[:] = exact_interval(value, each, confidence)


def _resample(
    scans: GroupedScans, functions: dict[str, Callable[[Resamples], np.ndarray]], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    block = max(1, BLOCK_CELLS // scans.truth.size)
    blocks: list[dict[str, np.ndarray]] = []
    for weights in chain(_leave_out(scans.n_groups, block), _draws(scans.n_groups, block, rng)):
        resamples = Resamples(scans, weights)
        blocks.append({name: function(resamples) for name, function in functions.items()})
    return {name: np.concatenate([block[name] for block in blocks], axis=-1) for name in functions}


def _leave_out(n_groups: int, block: int) -> Iterator[np.ndarray]:
    bundles = bundle(n_groups)
    out = np.arange(-1, bundles.max() + 1)  # no group is in the bundle -1, so that the first column has them all
    for start in range(0, out.size, block):
        yield (bundles[:, None] != out[start : start + block]).astype(float)


def _draws(n_groups: int, block: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    # One row of draws a resample, so that the size of the blocks changes nothing.
    for start in range(0, RESAMPLES, block):
        size = min(block, RESAMPLES - start)
        drawn = rng.integers(n_groups, size=(size, n_groups))
        cells = drawn * size + np.arange(size)[:, None]
        yield np.bincount(cells.ravel(), minlength=n_groups * size).reshape(n_groups, size).astype(float)
