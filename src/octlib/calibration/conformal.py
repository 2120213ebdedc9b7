"""Conformal: the probability from which on a class belongs to a set, found by MAPIE."""

from __future__ import annotations

import math
import warnings
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import numpy as np

from octlib.errors import MissingPackageError
from octlib.models.postprocessing import as_number


def check_coverage(coverage: Any) -> float:
    """Refuse a coverage that can't be asked for.

    Args:
        coverage: what was given.

    Returns:
        The same as a float.

    Raises:
        TypeError: if it is no number.
        ValueError: if it isn't in [0.5, 1).
        MissingPackageError: if MAPIE is missing.

    Example:
        >>> check_coverage(0.9)
        0.9
    """
    value = as_number("coverage", coverage)
    if not 0.5 <= value < 1:
        raise ValueError(f"coverage must be from 0.5 to below 1, such as 0.9 for 90 %; got {coverage!r}.")
    if find_spec("mapie") is None:
        raise MissingPackageError("Prediction sets need mapie, not installed here.", "Run: pip install 'octlib[trust]'")
    return value


def patients_needed(coverage: float) -> int:
    """Count the patients from which on there can be sets of a coverage, as MAPIE does.

    Example:
        >>> patients_needed(0.9), patients_needed(0.95)
        (10, 20)
    """
    return math.ceil(1 / (1 - Decimal(str(coverage))))


def find_least(probabilities: np.ndarray, labels: np.ndarray, coverage: float) -> float:
    """Find the probability from which on a class belongs to a set (split conformal prediction with the score LAC).

    Sadinle, Lei and Wasserman 2019, "Least Ambiguous Set-Valued Classifiers With Bounded Error Levels".

    Args:
        probabilities: float (n, classes), of scans that are exchangeable: one of each patient.
        labels: int (n,).
        coverage: in [0.5, 1); n must be at least ``patients_needed``.

    Returns:
        In [0, 1]. The set of a further such scan holds its true class with a probability of ``coverage`` or more, and
        below ``coverage + 1 / (n + 1)`` where no two scans score alike.

    Example:
        >>> probabilities = np.linspace(0.05, 0.95, 10)[:, None] * [1, -1] + [0, 1]
        >>> round(find_least(probabilities, np.zeros(10, int), 0.8), 2)
        0.15
    """
    from mapie.classification import SplitConformalClassifier

    rows = np.asarray(probabilities, dtype=np.float64)
    rows = rows / rows.sum(axis=1, keepdims=True)
    found = SplitConformalClassifier(_given(rows.shape[1]), confidence_level=coverage, conformity_score="lac")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a class that no scan is of, which calibrate says in its own words
        found.conformalize(rows, labels)
        sets = found.predict_set(rows)[1][:, :, 0]
    own = np.arange(len(labels)), labels
    # The threshold is one of the scans' own probabilities: the lowest that MAPIE takes into a set.
    return float(rows[own][sets[own]].min())


def _given(classes: int) -> Any:
    """Make a classifier, as scikit-learn knows one, of rows that are probabilities already."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        classes_ = np.arange(classes)

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def fit(self, rows: np.ndarray, labels: np.ndarray) -> Any:
            return self  # scikit-learn asks for the method

        def predict(self, rows: np.ndarray) -> np.ndarray:
            return np.asarray(rows.argmax(axis=1))

        def predict_proba(self, rows: np.ndarray) -> np.ndarray:
            return rows

    return Given()
