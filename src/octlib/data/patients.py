"""Patients: what callers write for them, as text; and those that published splits share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib.data.scan import Scan

# What callers write: a list, a numpy array or a pandas column.
Patients = Sequence[object] | NDArray[Any]

# How lists, numpy and pandas write a value that is missing.
_UNKNOWN = {"", "none", "nan", "<na>", "nat"}


def as_patients(patients: Patients, n: int) -> list[str | None]:
    """Bring patients to text.

    Args:
        patients: one for each scan; numbers count by their value, so that 12 and 12.0 are the same person.
        n: how many scans there are.

    Returns:
        One str for each scan, ``None`` for an unknown patient (``None``, NaN or empty).

    Raises:
        ValueError: where there aren't ``n`` of them.

    Example:
        >>> as_patients([12.0, float("nan"), "a7"], 3)
        ['12', None, 'a7']
    """
    values: NDArray[Any] = np.asarray(patients, dtype=object)
    if values.shape not in {(n,), (n, 1)}:
        raise ValueError(f"Patients must be one for each scan, {n} in all, got the shape {values.shape}.")
    return [_as_text(value) for value in values.ravel()]


def shared_patients(scans: Iterable[Scan]) -> dict[tuple[str, str], int]:
    """Count the patients whom published splits share.

    Args:
        scans: of any number of splits.

    Returns:
        For each pair of splits that share somebody the number of shared patients.
    """
    members: dict[str, set[str]] = {}
    for scan in scans:
        if scan.split is not None and scan.patient is not None:
            members.setdefault(scan.split, set()).add(scan.patient)
    pairs = {(one, other): len(members[one] & members[other]) for one, other in combinations(members, 2)}
    return {pair: count for pair, count in pairs.items() if count}


def _as_text(value: object) -> str | None:
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    text = str(value).strip()
    return None if text.lower() in _UNKNOWN else text
