"""Resamples: scans counted and sorted once, then weighted as each resample of their groups holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from octlib.evaluation.losses import BINS, bin_confidence, calibration_gaps, squared_errors
from octlib.evaluation.ranks import Ranking, prepare_ranking

GROUPS_AT_A_TIME = 10_000  # whose confusion matrices are held in full


def number_patients(patients: np.ndarray, content: np.ndarray) -> np.ndarray:
    """Number the groups that a bootstrap draws: patients, and each scan without one.

    Args:
        patients: object (n,) of str or None.
        content: float (n, columns), by which scans without a patient are put in order, so that the order of the scans
            changes nothing.

    Returns:
        int64 (n,), 0 to one less than the number of groups.

    Example:
        >>> number_patients(np.array(["b", None, "a", "b"], dtype=object), np.zeros((4, 1)))
        array([1, 2, 0, 1])
    """
    # Patients in sorted order, so that the same draw means the same patient however the scans are ordered.
    known = np.array([each is not None for each in patients])
    groups = np.empty(len(patients), dtype=np.int64)
    people, groups[known] = np.unique(patients[known].astype(str), return_inverse=True)
    lonely = np.flatnonzero(~known)
    groups[lonely[np.lexsort(content[lonely].T)]] = len(people) + np.arange(len(lonely))
    return groups


@dataclass(frozen=True, eq=False)
class Counts:
    """Confusion matrices, one for each resample or group.

    Args:
        confusion: float (classes, classes, matrices): scans by class (rows) and predicted class (columns).
    """

    confusion: np.ndarray

    @cached_property
    def hits(self) -> np.ndarray:
        """Float (classes, matrices): scans of each class that are taken for it."""
        return np.asarray(np.einsum("iij->ij", self.confusion))

    @cached_property
    def support(self) -> np.ndarray:
        """Float (classes, matrices): scans of each class."""
        return np.asarray(self.confusion.sum(axis=1))

    @cached_property
    def predicted(self) -> np.ndarray:
        """Float (classes, matrices): scans that are taken for each class."""
        return np.asarray(self.confusion.sum(axis=0))

    @cached_property
    def total(self) -> np.ndarray:
        """Float (matrices,): all scans."""
        return np.asarray(self.support.sum(axis=0))

    @cached_property
    def rejected(self) -> np.ndarray:
        """Float (classes, matrices): scans of other classes that aren't taken for a class."""
        return np.asarray(self.total - self.support - self.predicted + self.hits)


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

    @classmethod
    def of_patients(cls, truth: np.ndarray, probabilities: np.ndarray, patients: np.ndarray) -> GroupedScans:
        """Group scans by patients, so that the order of the scans changes nothing.

        Args:
            truth: int (n,).
            probabilities: float (n, classes).
            patients: object (n,), None where unknown: such a scan is a group of its own.

        Returns:
            The scans.
        """
        groups = number_patients(patients, np.column_stack([probabilities, truth]))
        return cls(truth, probabilities, groups)

    @property
    def n_groups(self) -> int:
        """The number of groups."""
        return int(self.groups.max()) + 1

    @cached_property
    def confusions(self) -> Any:
        """One confusion matrix a group, (classes squared, groups); sparse, for a patient fills few of its cells."""
        n_classes = self.probabilities.shape[1]
        cells = self.truth * n_classes + self.probabilities.argmax(axis=1)
        return self._sum_up(np.ones(self.truth.size), cells, n_classes**2)

    @cached_property
    def squared_errors(self) -> np.ndarray:
        """Float (groups,): the squared errors of the probabilities, summed over the scans of each group."""
        return np.bincount(self.groups, squared_errors(self.truth, self.probabilities))

    @cached_property
    def calibration_gaps(self) -> Any:
        """By how much more scans were recognised than was thought, summed up: (bins of confidence, groups); sparse."""
        gaps = calibration_gaps(self.truth, self.probabilities)
        return self._sum_up(gaps, bin_confidence(self.probabilities), BINS)

    @cached_property
    def rankings(self) -> list[Ranking]:
        """For each class a function from weights (groups, resamples) to AUROC and average precision."""
        classes = range(self.probabilities.shape[1])
        return [prepare_ranking(self.probabilities[:, each], self.truth == each, self.groups) for each in classes]

    def count(self) -> Iterator[Counts]:
        """Count the scans of each group: the confusion matrices of some groups at a time."""
        n_classes = self.probabilities.shape[1]
        confusions = self.confusions.tocsc()
        for start in range(0, self.n_groups, GROUPS_AT_A_TIME):
            yield Counts(confusions[:, start : start + GROUPS_AT_A_TIME].toarray().reshape(n_classes, n_classes, -1))

    def _sum_up(self, values: np.ndarray, rows: np.ndarray, n_rows: int) -> Any:
        from scipy.sparse import csr_array

        return csr_array((values, (rows, self.groups)), shape=(n_rows, self.n_groups))


@dataclass(frozen=True, eq=False)
class Resamples(Counts):
    """Resamples of groups of scans: what a metric computes its values from, for all of them at once.

    Args:
        scans: what is drawn from.
        weights: float (groups, resamples) of whole numbers: how often a resample holds a group.
    """

    confusion: np.ndarray = field(init=False)
    scans: GroupedScans
    weights: np.ndarray

    def __post_init__(self) -> None:
        n_classes = self.scans.probabilities.shape[1]
        confusion = np.asarray(self.scans.confusions @ self.weights).reshape(n_classes, n_classes, -1)
        object.__setattr__(self, "confusion", confusion)

    @property
    def auroc(self) -> np.ndarray:
        """Float (classes, resamples): the area under the ROC curve of each class against the rest."""
        return np.asarray(self._ranked[0])

    @property
    def average_precision(self) -> np.ndarray:
        """Float (classes, resamples): the average precision of each class against the rest."""
        return np.asarray(self._ranked[1])

    @property
    def brier(self) -> np.ndarray:
        """Float (resamples,): the mean squared error of all probabilities of a scan."""
        return np.asarray(self.scans.squared_errors @ self.weights / self.total)

    @property
    def ece(self) -> np.ndarray:
        """Float (resamples,): the mean distance of confidence and accuracy."""
        return np.asarray(np.abs(self._gaps).sum(axis=0))

    @property
    def ece_low(self) -> np.ndarray:
        """Float (resamples,): the ECE of all scans, less the summed distance of the bins of a resample from theirs.

        By the triangle inequality, the ECE of all patients there are is no smaller than that of the scans less the
        distance of the two, which is as large as that of a resample from the scans.
        """
        gaps = np.asarray(self.scans.calibration_gaps.sum(axis=1)).reshape(-1, 1) / self.scans.truth.size
        return np.asarray(np.maximum(0, np.abs(gaps).sum() - np.abs(self._gaps - gaps).sum(axis=0)))

    @cached_property
    def _gaps(self) -> np.ndarray:
        return np.asarray(self.scans.calibration_gaps @ self.weights / self.total)

    @cached_property
    def _ranked(self) -> np.ndarray:
        return np.stack([rank(self.weights) for rank in self.scans.rankings], axis=1)
