"""Units: which scans a split keeps together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from octlib._suggest import unknown
from octlib.data.columns import is_missing
from octlib.data.splits import distinct
from octlib.errors import SplitError

UNITS = ("patient", "volume", "scan")

ADVICE = {
    "patient": "Give them with dataset.with_patients(...), or write by='volume' or by='scan' to let scans of one "
    "patient come into several parts.",
    "volume": "Give them as a column volume of a table, or write by='scan' to let slices of one volume come into "
    "several parts.",
}


def split_keys(by: str, names: Sequence[str], patients: Sequence[str | None], volumes: Sequence[Any]) -> list[str]:
    """Name what each scan must stay together with.

    Args:
        by: ``"patient"``, ``"volume"`` or ``"scan"``.
        names: those of n scans.
        patients: theirs, ``None`` for unknown ones.
        volumes: what identifies the volume that each is a slice of, ``None`` for none.

    Returns:
        n keys: equal ones stay together. By patient, slices of one volume do so whatever is said of their patients:
        one without a patient goes with the others, and two patients who share a volume count as one.

    Raises:
        ValueError: if there is no such unit.
        SplitError: if a scan is of no known unit.

    Example:
        >>> split_keys("patient", ["1", "2", "3", "4"], ["a", None, "b", "c"], ["v", "v", "w", "w"])
        ['a', 'a', 'b', 'b']
    """
    if by not in UNITS:
        raise unknown("unit to split by", by, UNITS)
    if by == "scan":
        return distinct(list(names))
    volumes = [None if is_missing(volume) else str(volume) for volume in volumes]
    keys = volumes if by == "volume" else _joined(patients, volumes)
    known = [key for key in keys if key is not None]
    if len(known) < len(keys):
        problem = (
            f"A split by {by} must know every scan's {by}, and {len(keys) - len(known):,} of {len(keys):,} scans have "
            "none."
        )
        raise SplitError(problem, ADVICE[by])
    return known


def _joined(patients: Sequence[str | None], volumes: Sequence[str | None]) -> list[str | None]:
    """Give each scan the first patient, by name, of all who are tied to it by volumes."""
    leader: dict[str, str] = {}  # to a patient earlier by name, and from there on to the first

    def first(patient: str) -> str:
        while leader.get(patient, patient) != patient:
            patient = leader[patient]
        return patient

    of_volume: dict[str | None, str] = {}
    for patient, volume in zip(patients, volumes, strict=True):
        if patient is not None and volume is not None:
            one, other = sorted((first(patient), first(of_volume.setdefault(volume, patient))))
            leader[other] = one
    owners = [
        of_volume.get(volume) if patient is None else patient for patient, volume in zip(patients, volumes, strict=True)
    ]
    return [None if owner is None else first(owner) for owner in owners]
