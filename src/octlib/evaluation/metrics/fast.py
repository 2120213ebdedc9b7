"""Fast: the metrics of many resamples at once, from what was counted and sorted before."""

from __future__ import annotations

import numpy as np

from octlib.evaluation.arithmetic import divide
from octlib.evaluation.resamples import Resamples


def f1(resamples: Resamples) -> np.ndarray:
    """Give the F1 of each class, float (classes, resamples); NaN where no scan is of it."""
    values = divide(2 * resamples.hits, resamples.support + resamples.predicted)
    return np.where(resamples.support > 0, values, np.nan)


def weighted_f1(resamples: Resamples) -> np.ndarray:
    """Give the mean F1, each class weighted by its scans, float (resamples,)."""
    return np.asarray(np.nansum(resamples.support * f1(resamples), axis=0) / resamples.total)


def kappa(resamples: Resamples, *, quadratic: bool = False) -> np.ndarray:
    """Give Cohen's kappa, float (resamples,); NaN where all scans are of one class.

    Args:
        resamples: of the scans.
        quadratic: weigh a confusion by the square of the distance of the classes in their order, not all alike.

    Returns:
        From -1 to 1.
    """
    places = np.arange(len(resamples.support))
    distance = np.abs(places[:, None] - places)
    weights = (distance**2 if quadratic else distance > 0).astype(float)
    # einsum would take a hundred times as long over three arrays at once.
    weighted = weights @ resamples.predicted
    expected = np.einsum("ij,ij->j", resamples.support, weighted)
    observed = np.einsum("ik,ikj->j", weights, resamples.confusion) * resamples.total
    return np.where(_is_uniform(resamples), np.nan, 1 - divide(observed, expected))


def mcc(resamples: Resamples) -> np.ndarray:
    """Give Matthews' correlation (Gorodkin 2004), float (resamples,); NaN where all scans are of one class."""
    together = resamples.total * resamples.hits.sum(axis=0) - (resamples.support * resamples.predicted).sum(axis=0)
    of_truth = resamples.total**2 - (resamples.support**2).sum(axis=0)
    of_prediction = resamples.total**2 - (resamples.predicted**2).sum(axis=0)
    # Where one class alone is predicted, the correlation with anything counts as 0, as in scikit-learn.
    correlation = np.nan_to_num(divide(together, np.sqrt(of_truth * of_prediction)))
    return np.where(_is_uniform(resamples), np.nan, correlation)


def _is_uniform(resamples: Resamples) -> np.ndarray:
    return np.asarray(resamples.support.max(axis=0) == resamples.total)
