"""Patients: what callers write for them, as text; and those that published splits share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib.data.columns import as_text, objects

# What callers write: a list, a numpy array or a pandas column.
Patients = Sequence[object] | NDArray[Any]


def as_patients(patients: Patients, n: int) -> NDArray[np.object_]:
    """Bring patients to text.

    Args:
        patients: one for each scan; numbers count by their value, so that 12 and 12.0 are the same person. Texts stay
            as they are, but for blanks around them.
        n: how many scans there are.

    Returns:
        object (n,) of str, ``None`` for an unknown patient (``None``, NaN, empty, ``"unknown"``).

    Raises:
        ValueError: if there aren't ``n`` of them.

    Example:
        >>> as_patients([12.0, float("nan"), "a7"], 3).tolist()
        ['12', None, 'a7']
    """
    values: NDArray[Any] = np.asarray(patients, dtype=object)
    if values.shape not in {(n,), (n, 1)}:
        raise ValueError(f"Patients must be one for each scan, {n} in all, got the shape {values.shape}.")
    texts: dict[str, str] = {}  # one text a patient, not one a scan: with a million scans that counts
    found = (as_text(value) for value in values.ravel())
    return objects([None if text is None else texts.setdefault(text, text) for text in found])


def patients_of_names(pattern: str | re.Pattern[str], names: Sequence[str]) -> list[str | None]:
    """Read patients off names.

    Args:
        pattern: a regular expression, which is searched for in each name and has a group.
        names: such as paths with forward slashes.

    Returns:
        What the first group is in each, ``None`` where the expression doesn't fit.

    Raises:
        ValueError: if it is no regular expression, has no group, or fits none of the names.

    Example:
        >>> patients_of_names(r"(P[0-9]+)_", ["CNV/P12_1.png", "CNV/P12_2.png", "other.png"])
        ['P12', 'P12', None]
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"Patients must be a regular expression, got {pattern!r} ({error}).") from None
    if not compiled.groups:
        raise ValueError(
            f"The regular expression of patients must have a group that is the patient, got {compiled.pattern!r}. "
            "Put it into parentheses."
        )
    found = [compiled.search(name) for name in names]
    if names and not any(found):
        raise ValueError(
            f"The regular expression of patients must fit names of scans, and {compiled.pattern!r} fits none, such as "
            f"{names[0]!r}."
        )
    return [None if match is None else match.group(1) for match in found]


def shared_patients(patients: NDArray[np.object_] | None, splits: NDArray[np.object_]) -> dict[tuple[str, str], int]:
    """Count the patients whom published splits share.

    Args:
        patients: object (n,) of str or ``None``; ``None`` where none is known.
        splits: object (n,) of str or ``None``: each scan's published split.

    Returns:
        For each pair of splits that share somebody the number of shared patients.
    """
    members: dict[str, set[str]] = {}
    for patient, split in zip([] if patients is None else patients, splits, strict=False):
        if split is not None and patient is not None:
            members.setdefault(split, set()).add(patient)
    pairs = {(one, other): len(members[one] & members[other]) for one, other in combinations(members, 2)}
    return {pair: count for pair, count in pairs.items() if count}
