"""Checks: what scoring is given, refused or brought to one form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Softmax in half precision leaves rows off by less than this; raw scores are off by more.
ROW_SUM_TOLERANCE = 0.01


def check_settings(confidence: float, seed: object) -> None:
    """Refuse a confidence or a seed that cannot be used.

    Args:
        confidence: has to lie in (0, 1).
        seed: has to be an int >= 0.

    Raises:
        ValueError: if it doesn't.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, such as 0.95 for 95 %; got {confidence!r}.")
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be an int >= 0; got {seed!r}.")


def check_probabilities(probabilities: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Check probabilities.

    Args:
        probabilities: (scans, classes).
        names: of the classes.

    Returns:
        float64 (scans, classes).

    Raises:
        ValueError: if there is no scan, only one class, a class without a column, or a row that has a value below 0 or
            doesn't sum to 1.
    """
    values = np.asarray(probabilities, dtype=float)
    if len(set(names)) != len(names):
        raise ValueError(f"class_names must differ from one another; got {list(names)}.")
    if values.ndim != 2 or values.shape[1] != len(names):
        raise ValueError(
            f"probabilities must have the shape (scans, classes) with a column for each of the {len(names)} class "
            f"names {list(names)}; got the shape {values.shape}."
        )
    if not len(values) or len(names) < 2:
        raise ValueError(
            f"An evaluation needs at least one scan and two classes; got {len(values)} scans and {len(names)} classes."
        )
    # Written so that NaN, which compares as false, is refused too.
    wrong = ~((values >= 0).all(axis=1) & (np.abs(values.sum(axis=1) - 1) <= ROW_SUM_TOLERANCE))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"Each row of probabilities must be >= 0 and sum to 1; {wrong.sum()} of {len(values)} rows do not, the "
            f"first is row {first}: {values[first].tolist()}. Apply softmax to raw scores (logits)."
        )
    return values


def check_truth(truth: np.ndarray | Sequence[int], n_scans: int, names: tuple[str, ...]) -> np.ndarray:
    """Check the true classes.

    Args:
        truth: a class index for each scan.
        n_scans: how many there have to be.
        names: of the classes.

    Returns:
        int64 (n_scans,).

    Raises:
        ValueError: if there are more or fewer, or one isn't the index of a class.
    """
    values = np.asarray(truth)
    if values.shape != (n_scans,):
        raise ValueError(
            f"truth must have one class index for each of the {n_scans} rows; got the shape {values.shape}."
        )
    if not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"truth must hold ints, the indices of class_names; got {values.dtype}.")
    wrong = (values < 0) | (values >= len(names))
    if wrong.any():
        found = np.unique(values[wrong])[:5].tolist()
        raise ValueError(
            f"truth must lie in 0 to {len(names) - 1}, the indices of {list(names)}; {wrong.sum()} scans have others, "
            f"such as {found}. Leave out scans without a label."
        )
    return values.astype(np.int64)
