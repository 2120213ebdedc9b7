"""Judged: what comparisons, operating points and decision curves ask of an evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from octlib._suggest import unknown
from octlib.data import as_patients
from octlib.data.columns import is_missing

if TYPE_CHECKING:
    import pandas as pd


class Judged(Protocol):
    """An ``Evaluation``, for modules that it knows itself and that must not know it."""

    @property
    def truth(self) -> np.ndarray:
        """Int (n,), indices of classes."""

    @property
    def probabilities(self) -> np.ndarray:
        """Float (n, classes)."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the columns of the probabilities stand for."""

    @property
    def scans(self) -> pd.DataFrame:
        """A row for each scan."""

    @property
    def level(self) -> str:
        """What a scan is."""

    @property
    def confidence(self) -> float:
        """Of the intervals."""

    @property
    def resampled(self) -> str:
        """What the intervals are over."""

    @property
    def n_patients(self) -> int | None:
        """The number of patients, None where all are unknown."""


def patients_of(result: Judged) -> np.ndarray:
    """Give the patients of an evaluation: object (n,) of str, None where unknown."""
    n = len(result.truth)
    return as_patients(result.scans["patient"] if "patient" in result.scans else [None] * n, n)


def units_of(result: Judged) -> frozenset[str]:
    """Give what makes an evaluation overlap with another one: patients, and the files of scans that have none.

    Where there are scans with neither, one more unit stands for the whole evaluation: names won't do, since those of
    arrays are numbers.
    """
    patients = patients_of(result)
    paths = result.scans["path"] if "path" in result.scans else [None] * len(patients)
    units = set()
    for patient, path in zip(patients, paths, strict=True):
        if patient is not None:
            units.add(f"patient {patient}")
        elif not is_missing(path):
            units.add(f"file {path}")
        else:
            units.add("whole")
    if "whole" in units:
        content = result.truth.tobytes() + result.probabilities.tobytes()
        units = units - {"whole"} | {f"evaluation {hashlib.sha256(content).hexdigest()}"}
    return frozenset(units)


def sum_positive(result: Judged, positive: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Reduce an evaluation to a question: these classes, or one of the others?

    Args:
        result: the evaluation.
        positive: names of classes.

    Returns:
        Whether each scan is of these classes, bool (n,), and the sum of their probabilities, float64 (n,).
    """
    columns = [result.class_names.index(name) for name in positive]
    return np.isin(result.truth, columns), result.probabilities[:, columns].astype(float).sum(axis=1)


def check_positive(positive: str | Sequence[str], class_names: tuple[str, ...]) -> tuple[str, ...]:
    """Bring the classes of a question to a tuple, or refuse them.

    Args:
        positive: the name of a class, or several.
        class_names: all there are.

    Returns:
        The names.

    Raises:
        ValueError: if one isn't there or comes twice, if there is none, or no other class is left.
    """
    names = (positive,) if isinstance(positive, str) else tuple(positive)
    for name in names:
        if name not in class_names:
            raise unknown("class", name, class_names)
    if not names or len(set(names)) < len(names) or len(names) == len(class_names):
        raise ValueError(
            f"positive must be one or more different classes, and at least one of {list(class_names)} must be left; "
            f"got {list(names)}."
        )
    return names


def require_both_sides(positive: np.ndarray, names: Sequence[str], level: str) -> None:
    """Refuse scans that are all of the positive classes, or all of others.

    Raises:
        ValueError: if they are.
    """
    if positive.all() or not positive.any():
        raise ValueError(
            f"Some {level}s must be of {' or '.join(names)} and some of other classes; {positive.sum():,} of the "
            f"{len(positive):,} {level}s are of them. Take an evaluation that has both."
        )
