"""Levels: predictions of scans, gathered to those of volumes, eyes and patients."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib._suggest import unknown
from octlib.data.columns import as_text, is_missing, objects
from octlib.data.units import find_units
from octlib.errors import LevelError

if TYPE_CHECKING:
    import pandas as pd

    from octlib.data import OctDataset

# What a scan must know for each level.
LEVELS: dict[str, tuple[str, ...]] = {
    "scan": (),
    "volume": ("volume",),
    "eye": ("patient", "eye"),
    "patient": ("patient",),
}
OWN = ("n_scans", "strongest")  # columns of every table of a level, whatever the source has


@dataclass(frozen=True)
class Groups:
    """Scans that are judged together: those of one volume, eye or patient.

    Attributes:
        level: what a group is.
        scans: the dataset.
        of_scan: int64 (n_scans,), the number of each scan's group, by first appearance.
        first: int64 (n_groups,), the first scan of each.
        names: of the groups.
        patients: object (n_groups,), ``None`` for unknown ones.
        eyes: likewise.
    """

    level: str
    scans: OctDataset
    of_scan: np.ndarray
    first: np.ndarray
    names: tuple[str, ...]
    patients: np.ndarray
    eyes: np.ndarray

    def mean(self, probabilities: np.ndarray) -> np.ndarray:
        """Average the probabilities of each group's scans: (n_scans, classes) to (n_groups, classes)."""
        sums = np.zeros((len(self.first), probabilities.shape[1]))
        np.add.at(sums, self.of_scan, probabilities)
        return np.asarray(sums / self._sizes()[:, None], dtype=probabilities.dtype)

    def truth(self, truth: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
        """Give the label that all scans of a group share: int64 (n_scans,) to (n_groups,).

        Raises:
            LevelError: if scans of a group have several; the text counts such groups.
        """
        shared: np.ndarray = truth[self.first]
        others = np.flatnonzero(truth != shared[self.of_scan])
        if len(others):
            mixed = np.unique(self.of_scan[others])
            first = truth[self.of_scan == mixed[0]]
            labels = " and ".join(class_names[label] for label in np.unique(first))
            raise LevelError(
                f"At level {self.level!r}, all scans of a {self.level} must have one label, and {len(mixed):,} of "
                f"{len(self.first):,} {self.level}s have several, such as {self.names[mixed[0]]}: {labels}.",
                "Label them as a whole, leave these out, or pass level='scan'.",
            )
        return shared

    def tabulate(self, probabilities: np.ndarray) -> pd.DataFrame:
        """Say what the groups are.

        Args:
            probabilities: (n_scans, classes), of the scans.

        Returns:
            A row for each group, with ``name``, ``path`` (where all scans share one), ``patient``, ``eye`` (of volumes
            and eyes), ``n_scans`` and ``strongest``, the name of the scan that the method of this name finds; of
            volumes also that scan's ``position``.
        """
        import pandas as pd

        paths, strongest = self.scans.column("path"), self.strongest(probabilities)
        columns: dict[str, Any] = {
            "name": objects(self.names),
            "path": np.where(self._is_shared(paths), paths[self.first], None),
            "patient": self.patients,
            "eye": self.eyes,
            "n_scans": self._sizes(),
            "strongest": self.scans.names[strongest],
            "position": self.scans.column("position")[strongest],
        }
        kept = {name: columns[name] for name in columns_of_level(self.level)}
        return pd.DataFrame({name: pd.Series(column, dtype=column.dtype) for name, column in kept.items()})

    def tabulate_all(self, probabilities: np.ndarray) -> pd.DataFrame:
        """Say the same, and behind it the further columns that no group disagrees about."""
        table, frame = self.tabulate(probabilities), self.scans.to_frame()
        shared = [name for name in frame if name not in table and self._is_shared(frame[name].to_numpy(object)).all()]
        return table.assign(**{name: frame[name].iloc[self.first].reset_index(drop=True) for name in shared})

    def strongest(self, probabilities: np.ndarray) -> np.ndarray:
        """Find the scan of each group with the highest probability of the class that is predicted for the group.

        Args:
            probabilities: (n_scans, classes), of the scans.

        Returns:
            int64 (n_groups,), positions in the dataset.
        """
        predicted = self.mean(probabilities).argmax(axis=1)
        strength = probabilities[np.arange(len(self.of_scan)), predicted[self.of_scan]]
        order = np.lexsort((-strength, self.of_scan))  # stable: the first of equal ones
        return order[np.searchsorted(self.of_scan[order], np.arange(len(self.first)))]

    def require_own_columns(self) -> None:
        """Refuse scans with columns by which a table of the level means something else.

        Raises:
            LevelError: if there are such columns, with their names.
        """
        taken = [name for name in OWN if name in self.scans.columns]
        if taken:
            raise LevelError(
                f"At level {self.level!r}, {' and '.join(OWN)} are columns of the evaluation's own, and the scans have "
                f"{' and '.join(taken)} already.",
                "Rename them in the table that the scans are loaded from, or pass level='scan'.",
            )

    def _sizes(self) -> np.ndarray:
        return np.bincount(self.of_scan, minlength=len(self.first))

    def _is_shared(self, values: np.ndarray) -> np.ndarray:
        same = np.ones(len(self.first), dtype=bool)
        first = values[self.first][self.of_scan]
        equal = [_are_equal(one, other) for one, other in zip(values, first, strict=True)]
        same[self.of_scan[~np.array(equal, dtype=bool)]] = False
        return same


def check_level(level: str) -> None:
    """Refuse a level that there isn't.

    Raises:
        ValueError: if it is none of ``LEVELS``.
    """
    if level not in LEVELS:
        raise unknown("level", level, LEVELS)


def group_scans(scans: OctDataset, level: str) -> Groups | None:
    """Find what belongs together at a level.

    Args:
        scans: the dataset.
        level: one of ``LEVELS``.

    Returns:
        The groups, in the order of their first scans; ``None`` for single scans.

    Raises:
        ValueError: if there is no such level.
        LevelError: if scans don't tell what they belong to, or a position comes more than once in a volume; the text
            counts them.
    """
    check_level(level)
    if level == "scan":
        return None
    units = find_units(scans)
    for name in LEVELS[level]:
        missing = [place for place, unit in enumerate(units) if getattr(unit, name) is None]
        if missing:
            raise LevelError(
                f"level={level!r} needs the {name} of every scan, and {len(missing):,} of {len(scans):,} have none, "
                f"such as {scans.names[missing[0]]}.",
                f"Load them with a column {name!r}, leave these out, or pass level='scan'.",
            )
    told = [unit if level == "volume" else tuple(getattr(unit, name) for name in LEVELS[level]) for unit in units]
    numbers: dict[tuple[str | None, ...], int] = {}
    of_scan = np.array([numbers.setdefault(each, len(numbers)) for each in told], dtype=np.int64)
    first = np.unique(of_scan, return_index=True)[1]
    patients, eyes = (objects([getattr(units[place], name) for place in first]) for name in ("patient", "eye"))
    names = tuple(" ".join(getattr(units[place], name) for name in LEVELS[level]) for place in first)
    groups = Groups(level, scans, of_scan, first, names, patients, eyes)
    if level == "volume":
        _require_distinct_positions(groups)
    return groups


def columns_of_level(level: str) -> tuple[str, ...]:
    """Name the columns that tell what a row is, in tables of predictions.

    Example:
        >>> columns_of_level("eye")
        ('name', 'path', 'patient', 'eye', 'n_scans', 'strongest')
    """
    eye = ("eye",) if level in ("volume", "eye") else ()
    whole = () if level == "scan" else OWN
    return ("name", "path", "patient", *eye, *whole, *(("position",) if level == "volume" else ()))


def describe_level(level: str) -> str:
    """Say how the probabilities of a level come about.

    Example:
        >>> describe_level("eye")
        'mean probability over the scans of each eye'
    """
    return "probability of each scan" if level == "scan" else f"mean probability over the scans of each {level}"


def _require_distinct_positions(volumes: Groups) -> None:
    positions = map(as_text, volumes.scans.column("position"))
    times = Counter((number, each) for number, each in zip(volumes.of_scan, positions, strict=True) if each is not None)
    repeated = {(number, position): count for (number, position), count in times.items() if count > 1}
    if repeated:
        (number, position), count = next(iter(repeated.items()))
        raise LevelError(
            f"At level 'volume', a position must come once in a volume, and {len({each for each, _ in repeated}):,} of "
            f"{len(volumes.first):,} volumes have one more often, such as {volumes.names[number]}: {count:,} scans at "
            f"position {position}. They seem to be of several volumes with one name.",
            "Give these names that differ, or give patients and eyes; leave scans out that come twice; or pass "
            "level='scan'.",
        )


def _are_equal(one: object, other: object) -> bool:
    if one is other or (is_missing(one) and is_missing(other)):
        return True
    try:
        if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
            return np.array_equal(np.asarray(one, dtype=object), np.asarray(other, dtype=object))
        return bool(one == other)
    except (TypeError, ValueError):  # what holds arrays doesn't compare
        return False
