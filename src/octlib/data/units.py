"""Units: what a volume is, and which scans a split keeps together."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from octlib._suggest import unknown
from octlib.data.columns import as_text
from octlib.data.eyes import eye_of
from octlib.data.origin_columns import Origins
from octlib.data.splits import distinct
from octlib.errors import SplitError

UNITS = ("patient", "volume", "scan")

ADVICE = {
    "patient": "Give them with dataset.with_patients(...), or write by='volume' or by='scan' to let scans of one "
    "patient come into several parts.",
    "volume": "Give them as a column volume of a table, or write by='scan' to let slices of one volume come into "
    "several parts.",
}

Texts = list[str | None]


class Scans(Protocol):
    """What is asked of a dataset."""

    @property
    def names(self) -> NDArray[np.object_]:
        """The names of the scans."""

    @property
    def origins(self) -> Origins:
        """Where their pixels come from."""

    def column(self, name: str, /) -> NDArray[Any]:
        """Give a column."""


class Unit(NamedTuple):
    """What a scan belongs to. Two scans are of one volume if both have a name of it and agree in everything.

    Attributes:
        patient: who was scanned, ``None`` where nobody knows.
        eye: which one, ``None`` likewise.
        volume: its name, ``None`` for a scan of no volume. Numbers may begin anew with every patient and eye.
        stack: the path of the file that the scan is one of several in, ``None`` for others: such names are relative,
            and may be those of files in other folders.
    """

    patient: str | None
    eye: str | None
    volume: str | None
    stack: str | None


def find_units(scans: Scans) -> list[Unit]:
    """Tell what each scan belongs to.

    Args:
        scans: the dataset.

    Returns:
        One for each. Where its patient or its eye is unknown and its volume isn't, it is the only one that volumes of
        this name have, as far as the rest is known; where these have several, it stays unknown.

    Example:
        >>> import octlib
        >>> from dataclasses import replace
        >>> scans = octlib.load_oct_dataset((np.zeros((3, 8, 8), np.uint8), None, ["P1", None, "P2"]))
        >>> scans = replace(scans, columns={"eye": np.array(["OD", "R", "OS"]), "volume": np.array([1, 1, 1])})
        >>> [(unit.patient, unit.eye, unit.volume) for unit in find_units(scans)]
        [('P1', 'right', '1'), ('P1', 'right', '1'), ('P2', 'left', '1')]
    """
    patients = _each(as_text, scans.column("patient").tolist())
    eyes = _each(lambda value: eye_of(value) or as_text(value), scans.column("eye").tolist())
    volumes = _each(as_text, scans.column("volume").tolist())
    stacks = scans.origins.stacks().tolist()
    eyes = _completed(eyes, patients, volumes, stacks)
    patients = _completed(patients, eyes, volumes, stacks)
    return list(map(Unit, patients, eyes, volumes, stacks))


def split_keys(by: str, scans: Scans) -> list[str]:
    """Name what each scan must stay together with.

    Args:
        by: ``"patient"``, ``"volume"`` or ``"scan"``.
        scans: the dataset, of n scans.

    Returns:
        n keys: equal ones stay together. Two patients count as one where they share a file; where it holds several
        volumes, where they share one of these.

    Raises:
        ValueError: if there is no such unit.
        SplitError: if a scan is of no known unit.
    """
    if by not in UNITS:
        raise unknown("unit to split by", by, UNITS)
    if by == "scan":
        return distinct(scans.names.tolist())
    units = find_units(scans)
    keys = _numbered(units) if by == "volume" else _tied(units, scans.column("path").tolist())
    known = [key for key in keys if key is not None]
    if len(known) < len(keys):
        problem = (
            f"A split by {by} must know every scan's {by}, and {len(keys) - len(known):,} of {len(keys):,} scans have "
            "none."
        )
        raise SplitError(problem, ADVICE[by])
    return known


def _each(read: Callable[[object], str | None], values: list[Any]) -> Texts:
    """Read each value, those that are equal once: a million scans have few patients."""
    try:
        texts = {value: read(value) for value in set(values)}
    except TypeError:  # lists and the like
        return list(map(read, values))
    return [texts[value] for value in values]


def _completed(values: Texts, others: Texts, volumes: Texts, stacks: Texts) -> Texts:
    """Give scans without a value the one that all others have that may be of their volume."""
    if None not in values or not any(volumes):
        return values
    known = defaultdict[tuple[str | None, ...], set[str]](set)
    rows = list(zip(values, others, volumes, stacks, strict=True))
    for value, other, *volume in rows:
        if value is not None and volume[0] is not None:
            known[other, *volume].add(value)
            known[None, *volume].add(value)  # for those that don't know the other either
    return [
        next(iter(known[*where])) if value is None and len(known.get((*where,), ())) == 1 else value
        for value, *where in rows
    ]


def _numbered(units: Sequence[Unit]) -> Texts:
    """Write volumes as texts that are the same on every machine: of equal ones the order of their files decides."""
    volumes = {unit for unit in units if unit.volume is not None}
    texts: dict[Unit, str] = {}
    seen: Counter[tuple[str | None, ...]] = Counter()
    for unit in sorted(volumes, key=lambda unit: tuple(part or "" for part in unit)):
        said = unit[:-1]
        texts[unit] = json.dumps([*said, seen[said]])
        seen[said] += 1
    return [texts.get(unit) for unit in units]


def _tied(units: Sequence[Unit], paths: Sequence[str | None]) -> Texts:
    """Give each scan the first patient, by name, of all who are tied to its own by files."""
    leader: dict[str, str] = {}  # to a patient earlier by name, and from there on to the first

    def first(patient: str) -> str:
        while leader.get(patient, patient) != patient:
            patient = leader[patient]
        return patient

    of_file: dict[tuple[str, str | None], str] = {}
    for unit, path in zip(units, paths, strict=True):
        if unit.patient is not None and path is not None:
            file = (path, None if unit.stack is None else unit.volume)
            one, other = sorted((first(unit.patient), first(of_file.setdefault(file, unit.patient))))
            leader[other] = one
    return [None if unit.patient is None else first(unit.patient) for unit in units]
