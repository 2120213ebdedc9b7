"""Parts: which scans and patients were trained on, chosen by and tested on, in the numbers of a page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from octlib.data import OctDataset


def describe_parts(parts: Mapping[str, OctDataset]) -> dict[str, Any] | None:
    """Give what the template shows of a split.

    Args:
        parts: the datasets by their names, such as train, validation and test.

    Returns:
        The names of the classes, a row for each part, and who is in two of them; ``None`` where there are no parts.
    """
    if not parts:
        return None
    names = list(dict.fromkeys(name for part in parts.values() for name in part.class_names))
    shared = _shared(parts)
    return {
        "names": names,
        "rows": [_row(name, part, names) for name, part in parts.items()],
        "shared": shared,
        "unknown": any(patient is None for part in parts.values() for patient in part.column("patient")),
        "digest": digest_of_parts(parts),
    }


def digest_of_parts(parts: Mapping[str, OctDataset]) -> str:
    """Digest which scan is in which part under which label: 64 hexadecimal digits, whatever their order."""
    rows = sorted(
        repr((part, name, label, patient))
        for part, scans in parts.items()
        for name, label, patient in zip(scans.names, _labels(scans), scans.column("patient"), strict=True)
    )
    return hashlib.sha256("\n".join(rows).encode(errors="surrogateescape")).hexdigest()


def _labels(scans: OctDataset) -> list[str | None]:
    if scans.labels is None:
        return [None] * len(scans)
    return [None if label < 0 else scans.class_names[label] for label in scans.labels]


def _row(name: str, part: OctDataset, names: list[str]) -> dict[str, Any]:
    labels = _labels(part)
    patients = {patient for patient in part.column("patient") if patient is not None}
    return {
        "name": name,
        "scans": f"{len(part):,}",
        "patients": f"{len(patients):,}" if patients else "unknown",
        "classes": [f"{labels.count(each):,}" for each in names],
    }


def _shared(parts: Mapping[str, OctDataset]) -> list[str]:
    """Say which two parts share patients, and how many."""
    people = {name: {each for each in part.column("patient") if each is not None} for name, part in parts.items()}
    counts = ((one, other, len(people[one] & people[other])) for one, other in combinations(people, 2))
    return [
        f"{count:,} patient{'' if count == 1 else 's'} of {one} {'is' if count == 1 else 'are'} in {other} too"
        for one, other, count in counts
        if count
    ]
