"""Levels: predictions of scans, gathered to those of volumes, eyes and patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib._suggest import unknown
from octlib.errors import LevelError

if TYPE_CHECKING:
    import pandas as pd

    from octlib.data import OctDataset

# The columns that tell what belongs together. A volume's name may be that of another patient's volume, too.
LEVELS: dict[str, tuple[str, ...]] = {
    "scan": (),
    "volume": ("volume",),
    "eye": ("patient", "eye"),
    "patient": ("patient",),
}


@dataclass(frozen=True)
class Groups:
    """Scans that are judged together: those of one volume, eye or patient.

    Attributes:
        level: what a group is.
        scans: the dataset.
        of_scan: int64 (n_scans,), the number of each scan's group, by first appearance.
        first: int64 (n_groups,), the first scan of each.
        names: of the groups.
    """

    level: str
    scans: OctDataset
    of_scan: np.ndarray
    first: np.ndarray
    names: tuple[str, ...]

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
            A row for each group, with ``name``, ``path`` (where all scans share one), ``patient``, ``n_scans`` and
            ``strongest``, the scan with the highest probability of the class that is predicted for its group; of
            volumes also that scan's ``position``.
        """
        import pandas as pd

        paths, patients = self.scans.column("path"), self.scans.column("patient")
        strongest = self._strongest(probabilities)
        columns: dict[str, Any] = {
            "name": np.array(self.names, dtype=object),
            "path": np.where(self._is_shared(paths), paths[self.first], None),
            "patient": patients[self.first],
            "n_scans": self._sizes(),
            "strongest": self.scans.names[strongest],
        }
        if self.level == "volume":
            columns["position"] = self.scans.column("position")[strongest]
        return pd.DataFrame(columns)

    def tabulate_all(self, probabilities: np.ndarray) -> pd.DataFrame:
        """Say the same, and before it the further columns that no group disagrees about."""
        table = self.tabulate(probabilities)
        frame = self.scans.to_frame()
        shared = [name for name in frame if name not in table and self._is_shared(frame[name].to_numpy(object)).all()]
        return table.assign(**{name: frame[name].to_numpy()[self.first] for name in shared})

    def _sizes(self) -> np.ndarray:
        return np.bincount(self.of_scan, minlength=len(self.first))

    def _strongest(self, probabilities: np.ndarray) -> np.ndarray:
        predicted = self.mean(probabilities).argmax(axis=1)
        strength = probabilities[np.arange(len(self.of_scan)), predicted[self.of_scan]]
        order = np.lexsort((-strength, self.of_scan))  # stable: the first of equal ones
        return order[np.searchsorted(self.of_scan[order], np.arange(len(self.first)))]

    def _is_shared(self, values: np.ndarray) -> np.ndarray:
        same = np.ones(len(self.first), dtype=bool)
        first = values[self.first][self.of_scan]
        equal = [one == other or (one != one and other != other) for one, other in zip(values, first, strict=True)]
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
        LevelError: if scans don't tell what they belong to; the text counts them.
    """
    check_level(level)
    if level == "scan":
        return None
    for name in LEVELS[level]:
        missing = np.flatnonzero([value is None or value != value for value in scans.column(name)])
        if len(missing):
            raise LevelError(
                f"level={level!r} needs the {name} of every scan, and {len(missing):,} of {len(scans):,} have none, "
                f"such as {scans.names[missing[0]]}.",
                f"Load them with a column {name!r}, leave these out, or pass level='scan'.",
            )
    columns = [scans.column(name) for name in dict.fromkeys(("patient", *LEVELS[level]))]
    numbers: dict[tuple[object, ...], int] = {}
    of_scan = np.array([numbers.setdefault(key, len(numbers)) for key in zip(*columns, strict=True)], dtype=np.int64)
    first = np.unique(of_scan, return_index=True)[1]
    own = [scans.column(name)[first] for name in LEVELS[level]]
    return Groups(level, scans, of_scan, first, tuple(" ".join(map(str, each)) for each in zip(*own, strict=True)))


def describe_level(level: str) -> str:
    """Say how the probabilities of a level come about.

    Example:
        >>> describe_level("eye")
        'mean probability over the scans of each eye'
    """
    return "probability of each scan" if level == "scan" else f"mean probability over the scans of each {level}"
