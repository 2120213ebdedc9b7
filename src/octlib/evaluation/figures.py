"""Figures: the metrics of scans and their intervals, by class name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from octlib.evaluation.arithmetic import mean_of_defined
from octlib.evaluation.intervals import bootstrap_intervals
from octlib.evaluation.metrics import METRICS, confusion_counts
from octlib.evaluation.resamples import GroupedScans


class Figures(NamedTuple):
    """What an ``Evaluation`` holds under these names."""

    metrics: dict[str, Any]
    intervals: dict[str, Any]
    confusion_matrix: np.ndarray
    n_patients: int | None
    resampled: str


def measure_figures(
    truth: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray,
    class_names: Sequence[str],
    *,
    confidence: float,
    seed: int,
    level: str,
) -> Figures:
    """Compute every metric with its interval, in silence.

    Args:
        truth: int64 (n,).
        probabilities: float64 (n, classes).
        patients: object (n,), None where unknown.
        class_names: what the columns stand for.
        confidence: of the intervals, in (0, 1).
        seed: of the bootstrap.
        level: what a scan is here.

    Returns:
        The figures; intervals are NaN where there is one patient alone.
    """
    # Sums depend on their order in the last digits, and nothing here shall depend on the order of the scans.
    order = np.lexsort((patients.astype(str), *probabilities.T, truth))
    truth, probabilities, patients = truth[order], probabilities[order], patients[order]
    scans = GroupedScans.of_patients(truth, probabilities, patients)
    by_patient = any(each is not None for each in patients)
    values = _values(truth, probabilities)
    if scans.n_groups > 1:
        limits = bootstrap_intervals(scans, confidence=confidence, rng=np.random.default_rng(seed))
    else:
        # Other patients cannot be imagined from one: an interval without width would claim certainty.
        limits = {name: np.full((*value.shape, 2), np.nan) for name, value in values.items()}
    return Figures(
        metrics={name: _name_classes(value, name, class_names) for name, value in values.items()},
        intervals={name: _name_classes(value, name, class_names) for name, value in limits.items()},
        confusion_matrix=lock(confusion_counts(truth, probabilities)),
        n_patients=scans.n_groups if by_patient else None,
        resampled="patient" if by_patient else level,
    )


def lock(array: np.ndarray) -> np.ndarray:
    """Copy an array, read-only."""
    array = array.copy()
    array.setflags(write=False)
    return array


def _values(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    # Means over classes are taken of what is there already: scikit-learn needs a millisecond for a class's AUROC.
    own = {name: metric for name, metric in METRICS.items() if not metric.mean_of}
    found = {name: np.asarray(metric.value(truth, probabilities), dtype=float) for name, metric in own.items()}
    means = {name: mean_of_defined(found[METRICS[name].mean_of]) for name in METRICS.keys() - own.keys()}
    return {name: (found | means)[name] for name in METRICS}


def _name_classes(values: np.ndarray, metric: str, names: Sequence[str]) -> Any:
    plain = values.tolist()
    if not METRICS[metric].by_class:
        return _as_value(plain)
    return {name: _as_value(item) for name, item in zip(names, plain, strict=True)}


def _as_value(plain: float | list[float]) -> float | tuple[float, ...]:
    return tuple(plain) if isinstance(plain, list) else plain
