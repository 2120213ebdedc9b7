"""Score: any model's probabilities, held against the truth."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from octlib.evaluation import arguments
from octlib.evaluation.figures import CLASS_FIGURES, confusion_counts, point_figures
from octlib.evaluation.intervals import bootstrap_intervals
from octlib.evaluation.result import Evaluation


def score(
    truth: np.ndarray | Sequence[int],
    probabilities: np.ndarray,
    patients: np.ndarray | Sequence[str | None] | None,
    class_names: Sequence[str],
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Evaluation:
    """Evaluate the probabilities that any model gave, with an interval for every figure.

    The figures are scikit-learn's; the intervals come from 1,000 bootstrap resamples of patients, each with all scans
    of theirs (percentile method: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13). A resample in
    which a figure is undefined, since it holds no scan of the class, is left out for that figure. The order of the
    scans changes nothing.

    Two limits of the method: a figure of exactly 0 or 1 gets an interval without width, since no resample can hold what
    never happened; and intervals from fewer than some twenty patients tend to be too narrow.

    Args:
        truth: int (n,), for each scan the index of its class in ``class_names``.
        probabilities: float (n, classes) in [0, 1], rows that sum to 1; the largest of a row is the prediction (the
            first, of equal ones).
        patients: (n,) names, or None where unknown. If any is unknown, scans are resampled instead of patients, with a
            warning.
        class_names: what the columns of ``probabilities`` stand for.
        confidence: of the intervals, in (0, 1).
        seed: of the bootstrap, an int >= 0.

    Returns:
        The evaluation, with NaN for what is undefined: see ``Evaluation``.

    Warns:
        UserWarning: once for all classes that no scan has; and where patients are unknown, or there is one alone, which
            gives no intervals.

    Raises:
        ValueError: if an argument is out of its range, or the lengths differ.

    Example:
        >>> import numpy as np
        >>> probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]])
        >>> result = score([0, 0, 1, 1], probabilities, ["p1", "p2", "p2", "p3"], ["CNV", "NORMAL"])
        >>> result.accuracy
        0.75
        >>> result.recall
        {'CNV': 1.0, 'NORMAL': 0.5}
        >>> result.confusion_matrix
        array([[2, 0],
               [1, 1]])
        >>> result
        Evaluation of 4 scans of 3 patients; 95 % intervals over patients
        accuracy           0.750 [0.000, 1.000]
        balanced accuracy  0.750 [0.000, 1.000]
        macro F1           0.733 [0.000, 1.000]
        F1 CNV             0.800 [0.500, 1.000]
        F1 NORMAL          0.667 [0.000, 1.000]
        For research, not a medical device.
    """
    return measure(truth, probabilities, patients, class_names, confidence=confidence, seed=seed)


def measure(
    truth: np.ndarray | Sequence[int],
    probabilities: np.ndarray,
    patients: np.ndarray | Sequence[str | None] | None,
    class_names: Sequence[str],
    *,
    confidence: float,
    seed: int,
) -> Evaluation:
    """Do the work of ``score`` and ``evaluate``, whose callers its warnings point at.

    Args:
        truth: int (n,).
        probabilities: float (n, classes), rows that sum to 1.
        patients: (n,) names or None.
        class_names: what the columns stand for.
        confidence: of the intervals, in (0, 1).
        seed: of the bootstrap.

    Returns:
        The evaluation.

    Raises:
        ValueError: if an argument is out of its range, or the lengths differ.
    """
    arguments.check_settings(confidence, seed)
    names = tuple(class_names)
    probabilities = arguments.checked_probabilities(probabilities, names)
    truth = arguments.checked_truth(truth, len(probabilities), names)
    known = arguments.checked_patients(patients, len(probabilities))
    counts = confusion_counts(probabilities, truth)
    _warn_of_absent(counts, names)

    groups = _scan_groups(probabilities, truth) if known is None else _codes(known)
    n_groups = int(groups.max()) + 1
    _warn_of_groups(known is not None, n_groups)
    figures = point_figures(probabilities, truth)
    if n_groups > 1:
        rng = np.random.default_rng(seed)
        limits = bootstrap_intervals(probabilities, truth, groups, confidence=confidence, rng=rng)
    else:
        # Other patients cannot be imagined from one: an interval without width would claim certainty.
        limits = {name: np.full((*value.shape, 2), np.nan) for name, value in figures.items()}

    probabilities, truth = probabilities.copy(), truth.copy()
    for array in (counts, probabilities, truth):
        array.setflags(write=False)
    return Evaluation(
        **{name: _named(value, name, names) for name, value in figures.items()},
        confusion_matrix=counts,
        class_names=names,
        n_scans=len(truth),
        n_patients=None if known is None else n_groups,
        confidence=confidence,
        resampled="scan" if known is None else "patient",
        intervals={name: _named(value, name, names) for name, value in limits.items()},
        probabilities=probabilities,
        truth=truth,
    )


def _codes(patients: np.ndarray) -> np.ndarray:
    # Numbered in sorted order, so that the same draw means the same patient however the scans are ordered.
    return np.unique(patients, return_inverse=True)[1]


def _scan_groups(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    # Each scan for itself, numbered by content: scans that are equal in it can change places unnoticed.
    order = np.lexsort((*probabilities.T, truth))
    groups = np.empty(len(truth), dtype=np.int64)
    groups[order] = np.arange(len(truth))
    return groups


def _warn_of_absent(counts: np.ndarray, names: tuple[str, ...]) -> None:
    absent = [name for name, support in zip(names, counts.sum(axis=1), strict=True) if not support]
    if absent:
        message = (
            f"No scan is of class {', '.join(absent)}: F1, recall and AUROC there are NaN, and means leave it out."
        )
        warnings.warn(message, UserWarning, stacklevel=4)


def _warn_of_groups(by_patient: bool, n_groups: int) -> None:
    parts = []
    if not by_patient:
        parts.append(
            "Patients are unknown, at least in part: intervals are bootstrapped over scans, "
            "and too narrow if patients have several."
        )
    if n_groups == 1:
        parts.append(f"There is one {'patient' if by_patient else 'scan'} alone: intervals need several, and are NaN.")
    if parts:
        warnings.warn(" ".join(parts), UserWarning, stacklevel=4)


def _named(values: np.ndarray, figure: str, names: tuple[str, ...]) -> Any:
    plain = values.tolist()
    if figure not in CLASS_FIGURES:
        return _value(plain)
    return {name: _value(item) for name, item in zip(names, plain, strict=True)}


def _value(plain: float | list[float]) -> float | tuple[float, ...]:
    return tuple(plain) if isinstance(plain, list) else plain
