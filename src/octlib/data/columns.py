"""Columns: what tables, lists and arrays hold, as arrays that nobody can change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

# How lists, numpy, pandas and people write that something is unknown.
UNKNOWN = {"", "none", "nan", "<na>", "nat", "unknown"}

Array = TypeVar("Array", bound=NDArray[Any])


def objects(values: Sequence[object] | NDArray[Any]) -> NDArray[np.object_]:
    """Make an object array (n,) of any values, sequences among them too."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def read_only(column: Array) -> Array:
    """Give a view of an array that can't be written to."""
    view = column.view()
    view.flags.writeable = False
    return view


def is_missing(value: object) -> bool:
    """Say whether a value is how lists, numpy or pandas write that there is none.

    Example:
        >>> [is_missing(value) for value in (None, float("nan"), "nan", 0)]
        [True, True, False, False]
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return type(value).__name__ in {"NAType", "NaTType"}


def as_text(value: object) -> str | None:
    """Bring what names a patient, an eye or a volume to text: 12 and 12.0 are the same one.

    Example:
        >>> [as_text(value) for value in (12.0, " a7 ", "", "None", "unknown", float("nan"))]
        ['12', 'a7', None, None, None, None]
    """
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    text = str(value).strip()
    return None if text.lower() in UNKNOWN else text


def as_column(values: Any) -> NDArray[Any]:
    """Bring a column of a table to an array.

    Args:
        values: (n,) of any kind, such as a ``pandas.Series``.

    Returns:
        Numbers, truth values and times as they are; everything else as objects, with ``None`` where there is none.

    Example:
        >>> as_column([1, 2]), as_column(["left", float("nan")])
        (array([1, 2]), array(['left', None], dtype=object))
    """
    kind = getattr(values, "dtype", None)
    column = np.asarray(values) if isinstance(kind, np.dtype) else np.asarray(values, dtype=object)
    if kind is None and {type(value) for value in column} <= {int} | {float}:
        column = np.asarray(values)
    if column.dtype.kind in "biufMm":
        return column
    return objects([None if is_missing(value) else value for value in column])


def join_columns(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Put one column behind the other; unless both hold numbers, or times, the result holds objects."""
    if first.dtype == second.dtype or {first.dtype.kind, second.dtype.kind} <= set("iuf"):
        return np.concatenate([first, second])
    return np.concatenate([first.astype(object), second.astype(object)])


def number(keys: Iterable[str | None]) -> NDArray[np.int64]:
    """Number what is equal alike, by its first appearance; ``None`` equals nothing, itself neither.

    Example:
        >>> number(["b", None, "a", "b", None]).tolist()
        [0, 1, 2, 0, 3]
    """
    numbers: dict[str | int, int] = {}
    return np.fromiter(
        (
            numbers.setdefault(place if key is None else key, len(numbers))  # no text equals a place, which is a number
            for place, key in enumerate(keys)
        ),
        dtype=np.int64,
    )


def as_places(indices: ArrayLike, n: int) -> NDArray[np.int64]:
    """Bring indices to the positions that they name.

    Args:
        indices: positions, negative ones from the end, or one truth value for each row.
        n: how many rows there are.

    Returns:
        int64 positions, from 0 on or from the end.

    Raises:
        TypeError: if they are neither whole numbers nor truth values.
        IndexError: if a position is out of range.
        ValueError: if they aren't a plain list, or there aren't as many truth values as rows.
    """
    chosen: NDArray[Any] = np.asarray(indices)
    if chosen.ndim != 1:
        raise ValueError(f"Indices must be a plain list of positions or truth values, got {indices!r}. Write [3].")
    if chosen.dtype == bool:
        if len(chosen) != n:
            raise ValueError(f"Truth values must be as many as scans, {n}, got {len(chosen)}.")
        return np.flatnonzero(chosen)
    if len(chosen) and not np.issubdtype(chosen.dtype, np.integer):
        raise TypeError(f"Indices must be whole numbers or truth values, got {chosen.dtype}.")
    wrong = chosen[(chosen >= n) | (chosen < -n)]
    if len(wrong):
        raise IndexError(f"Indices must be between {-n} and {n - 1} for {n} scans, got {wrong[0]}.")
    return chosen.astype(np.int64)
