"""Resamples: scans counted and sorted once, then weighted as each resample of their groups holds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Weighting = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class GroupedScans:
    """Scans whose groups can be drawn again and again.

    Args:
        truth: int (n,), the index of each scan's class.
        probabilities: float (n, classes).
        groups: int (n,), 0 to one less than the number of groups.
    """

    truth: np.ndarray
    probabilities: np.ndarray
    groups: np.ndarray

    @property
    def n_groups(self) -> int:
        """The number of groups."""
        return int(self.groups.max()) + 1

    @cached_property
    def confusions(self) -> Any:
        """One confusion matrix a group, (classes squared, groups); sparse, for a patient fills few of its cells."""
        from scipy.sparse import csr_array

        n_classes = self.probabilities.shape[1]
        cells = self.truth * n_classes + self.probabilities.argmax(axis=1)
        return csr_array((np.ones(self.truth.size), (cells, self.groups)), shape=(n_classes**2, self.n_groups))

    @cached_property
    def aurocs(self) -> list[Weighting]:
        """For each class a function from weights (groups, resamples) to the AUROC of each resample."""
        classes = range(self.probabilities.shape[1])
        return [_prepare_auroc(self.probabilities[:, each], self.truth == each, self.groups) for each in classes]


@dataclass(frozen=True, eq=False)
class Resamples:
    """Resamples of groups of scans: what a metric computes its values from, for all of them at once.

    Args:
        scans: what is drawn from.
        weights: float (groups, resamples) of whole numbers: how often a resample holds a group.
    """

    scans: GroupedScans
    weights: np.ndarray

    @cached_property
    def confusion(self) -> np.ndarray:
        """Float (classes, classes, resamples): scans by class (rows) and predicted class (columns)."""
        n_classes = self.scans.probabilities.shape[1]
        return np.asarray(self.scans.confusions @ self.weights).reshape(n_classes, n_classes, -1)

    @property
    def hits(self) -> np.ndarray:
        """Float (classes, resamples): scans of each class that are taken for it."""
        return np.asarray(np.einsum("iij->ij", self.confusion))

    @property
    def support(self) -> np.ndarray:
        """Float (classes, resamples): scans of each class."""
        return np.asarray(self.confusion.sum(axis=1))

    @property
    def predicted(self) -> np.ndarray:
        """Float (classes, resamples): scans that are taken for each class."""
        return np.asarray(self.confusion.sum(axis=0))

    @property
    def auroc(self) -> np.ndarray:
        """Float (classes, resamples): the area under the ROC curve of each class against the rest."""
        return np.stack([auroc(self.weights) for auroc in self.scans.aurocs])


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide; NaN where there is nothing to divide by.

    Args:
        numerator: float, any shape.
        denominator: float, the same shape, 0 or more.

    Returns:
        float, the same shape.
    """
    ratio: np.ndarray = np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)
    return ratio


def _prepare_auroc(scores: np.ndarray, positive: np.ndarray, groups: np.ndarray) -> Weighting:
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
        positives = weights[positive_groups]
        wins = np.einsum("ij,ij->j", positives, running[below]) + np.einsum("ij,ij->j", positives, running[not_above])
        return divide(wins, 2 * running[-1] * positives.sum(axis=0))

    return auroc
