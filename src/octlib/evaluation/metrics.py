"""Metrics: accuracy, F1 and their kin, one entry each: scikit-learn's definition and a fast form for the bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from octlib.evaluation.resamples import Resamples, divide

Interval = tuple[float, float]


@dataclass(frozen=True)
class Metric:
    """One metric: all that an evaluation, its tables and its page know of it.

    Args:
        name: its key in ``METRICS``, and the attribute of an ``Evaluation``.
        title: how people read it.
        definition: what it is, as a clause after "is"; ``{unit}`` stands for what is judged, such as "scan".
        by_class: whether each class has a value of its own.
        value: from truth, int (n,), and probabilities, float (n, classes), to a float or, by class, float (classes,);
            NaN where it is undefined.
        resampled: the same for many resamples at once: float (resamples,) or (classes, resamples).
        in_text: whether the short table of text shows it.
        digits: after the point.
    """

    name: str
    title: str
    definition: str
    by_class: bool
    value: Callable[[np.ndarray, np.ndarray], Any]
    resampled: Callable[[Resamples], np.ndarray]
    in_text: bool = True
    digits: int = 3

    def define(self, unit: str) -> str:
        """Say what it is, of scans or of another unit.

        Example:
            >>> METRICS["recall"].define("patient")
            "sensitivity is the share of a class's patients that are found"
        """
        return f"{self.title} is {self.definition.replace('{unit}', unit)}"

    def show(self, value: float, interval: Interval) -> str:
        """Write a value with its interval, such as ``0.912 [0.880, 0.941]``; ``undefined`` where it is NaN.

        Args:
            value: of the metric.
            interval: its low and high end; NaN where there is no interval.

        Returns:
            Text.
        """
        if math.isnan(value):
            return "undefined"
        low, high = (f"{end:.{self.digits}f}" for end in interval)
        return f"{value:.{self.digits}f}" + ("" if math.isnan(interval[0]) else f" [{low}, {high}]")


def confusion_counts(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Count scans by class (rows) and predicted class (columns).

    Args:
        truth: int (n,).
        probabilities: float (n, classes); the largest of a row is the prediction.

    Returns:
        int64 (classes, classes), which sums to n.
    """
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(truth, probabilities.argmax(axis=1), labels=np.arange(probabilities.shape[1]))
    return np.asarray(counts, dtype=np.int64)


def _accuracy(truth: np.ndarray, probabilities: np.ndarray) -> Any:
    from sklearn.metrics import accuracy_score

    return accuracy_score(truth, probabilities.argmax(axis=1))


def _by_class(function: str, truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    from sklearn import metrics

    labels = np.arange(probabilities.shape[1])
    options = {"labels": labels, "average": None, "zero_division": np.nan}
    return np.asarray(getattr(metrics, function)(truth, probabilities.argmax(axis=1), **options))


def _precision(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return _by_class("precision_score", truth, probabilities)


def _recall(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return _by_class("recall_score", truth, probabilities)


def _f1(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    # scikit-learn gives 0 to a class that is predicted and that no scan has.
    present = np.isin(np.arange(probabilities.shape[1]), truth)
    return np.where(present, _by_class("f1_score", truth, probabilities), np.nan)


def _auroc(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    from sklearn.metrics import roc_auc_score

    # scikit-learn warns where one side is empty; the evaluation names absent classes itself, once.
    sides = [(truth == index, scores) for index, scores in enumerate(probabilities.T)]
    return np.array([roc_auc_score(*side) if 0 < side[0].sum() < truth.size else np.nan for side in sides])


def _resampled_f1(resamples: Resamples) -> np.ndarray:
    f1 = divide(2 * resamples.hits, resamples.support + resamples.predicted)
    return np.where(resamples.support > 0, f1, np.nan)


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "accuracy",
            "accuracy",
            "the share of {unit}s that are recognised",
            by_class=False,
            value=_accuracy,
            resampled=lambda it: it.hits.sum(axis=0) / it.support.sum(axis=0),
        ),
        Metric(
            "balanced_accuracy",
            "balanced accuracy",
            "the mean sensitivity of the classes that {unit}s have",
            by_class=False,
            value=lambda *scans: np.nanmean(_recall(*scans)),
            resampled=lambda it: np.nanmean(divide(it.hits, it.support), axis=0),
        ),
        Metric(
            "macro_f1",
            "macro F1",
            "the mean F1 of the classes that {unit}s have",
            by_class=False,
            value=lambda *scans: np.nanmean(_f1(*scans)),
            resampled=lambda it: np.nanmean(_resampled_f1(it), axis=0),
        ),
        Metric(
            "f1",
            "F1",
            "the harmonic mean of precision and sensitivity",
            by_class=True,
            value=_f1,
            resampled=_resampled_f1,
        ),
        Metric(
            "precision",
            "precision",
            "the share of a class's predictions that are right",
            by_class=True,
            value=_precision,
            resampled=lambda it: divide(it.hits, it.predicted),
            in_text=False,
        ),
        Metric(
            "recall",
            "sensitivity",
            "the share of a class's {unit}s that are found",
            by_class=True,
            value=_recall,
            resampled=lambda it: divide(it.hits, it.support),
            in_text=False,
        ),
        Metric(
            "auroc",
            "AUROC",
            "how well the class is told from the rest",
            by_class=True,
            value=_auroc,
            resampled=lambda it: it.auroc,
            in_text=False,
        ),
    )
}
