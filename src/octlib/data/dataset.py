"""Dataset: a table of scans that never changes; pixels are read when asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from octlib._suggest import unknown
from octlib.data.naming import misspelt
from octlib.data.patients import Patients, as_patients
from octlib.data.pixels import read_batches, read_images
from octlib.data.scan import Scan
from octlib.data.splits import distinct, fold_indices, shuffled, split_indices
from octlib.data.summary import as_html, as_text
from octlib.preprocessing import Preprocessing, as_preprocessing

if TYPE_CHECKING:
    import pandas as pd

UNITS = ("patient", "scan")


@dataclass(frozen=True, eq=False, repr=False)
class OctDataset:
    """Scans with their labels and patients, as ``octlib.load_oct_dataset`` gives them.

    A dataset never changes: every method gives a new one. It holds names and paths, not pixels.

    Args:
        scans: the rows.
        class_names: the classes in the order of the label numbers; empty where the scans have no labels. A class may be
            without scans.

    Raises:
        ValueError: where class names repeat, a scan's label is not among them, or only some scans have labels.

    Example:
        >>> import octlib
        >>> pixels = np.zeros((4, 496, 512), dtype=np.uint8)
        >>> scans = octlib.load_oct_dataset((pixels, ["CNV", "CNV", "DME", "DME"], ["p1", "p2", "p3", "p4"]))
        >>> scans
        OctDataset: 4 scans of 4 patients
        scans per class: CNV 2, DME 2
        patients per class: CNV 2, DME 2
        >>> train, test = scans.split((0.5, 0.5))
        >>> len(train), sorted(train.labels.tolist()), train.images(100).shape
        (2, [0, 1], (2, 100, 100))
    """

    scans: tuple[Scan, ...]
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that labels and class names agree."""
        object.__setattr__(self, "scans", tuple(self.scans))
        object.__setattr__(self, "class_names", tuple(self.class_names))
        repeated = [name for name, times in Counter(self.class_names).items() if times > 1]
        if repeated:
            raise ValueError(f"Class names must differ, got {', '.join(repeated)} more than once.")
        found = {scan.label for scan in self.scans}
        strange = found - ({*self.class_names} if self.class_names else {None})
        if strange:
            given = ", ".join(sorted(str(name) for name in strange))
            known = ", ".join(self.class_names) or "none, for scans without labels"
            hint = misspelt(self.class_names, {scan.label for scan in self.scans if scan.label})
            raise ValueError(f"Every scan's label must be among the class names ({known}), got {given}.{hint}")

    def __len__(self) -> int:
        return len(self.scans)

    def __iter__(self) -> Iterator[Scan]:
        return iter(self.scans)

    def __repr__(self) -> str:
        return as_text(self.scans, self.class_names)

    def _repr_html_(self) -> str:
        return as_html(self.scans, self.class_names)

    @property
    def names(self) -> tuple[str, ...]:
        """What identifies each scan on every machine: its relative path, or its number in an array."""
        return tuple(scan.name for scan in self.scans)

    @cached_property
    def labels(self) -> NDArray[np.int64] | None:
        """The classes as int64 (n,), positions in ``class_names``; ``None`` for scans without labels. Read-only."""
        if not self.class_names:
            return None
        place = {name: position for position, name in enumerate(self.class_names)}
        labels = np.array([place[scan.label or ""] for scan in self.scans], dtype=np.int64)
        labels.flags.writeable = False
        return labels

    @cached_property
    def patients(self) -> NDArray[np.object_] | None:
        """The patients as object (n,) of str, ``None`` for unknown ones; ``None`` where none is known. Read-only."""
        if all(scan.patient is None for scan in self.scans):
            return None
        return _objects([scan.patient for scan in self.scans])

    @cached_property
    def paths(self) -> NDArray[np.object_]:
        """The files as object (n,) of ``Path``, ``None`` for scans without a file of their own. Read-only."""
        return _objects([scan.path for scan in self.scans])

    def to_frame(self) -> pd.DataFrame:
        """List the scans as a table.

        Returns:
            A ``pandas.DataFrame`` with a row for each scan and the columns name, path, label (the class's name),
            patient and split (the published one), all of them str or ``None``.
        """
        import pandas as pd

        columns = ("name", "path", "label", "patient", "split")
        rows = [
            (scan.name, None if scan.path is None else str(scan.path), scan.label, scan.patient, scan.split)
            for scan in self.scans
        ]
        return pd.DataFrame(rows, columns=columns, dtype=object)

    def subset(self, indices: ArrayLike) -> OctDataset:
        """Choose scans.

        Args:
            indices: their positions in the order that is wanted (negative ones count from the end), or one truth value
                for each scan.

        Returns:
            A dataset of these scans with the same class names.

        Raises:
            TypeError: where the indices are neither whole numbers nor truth values.
            IndexError: where a position is out of range.
            ValueError: where they aren't a plain list, or there aren't as many truth values as scans.
        """
        return OctDataset(tuple(self.scans[place] for place in _places(indices, len(self))), self.class_names)

    def sample(self, n: int, *, seed: int = 0) -> OctDataset:
        """Draw scans at random, the classes in turn, so that a few of them show every class.

        Args:
            n: how many, 0 to ``len(dataset)``.
            seed: another one draws others.

        Returns:
            A dataset of ``n`` scans, one class after the other as long as they last.

        Raises:
            ValueError: where there aren't that many scans.
        """
        if not 0 <= n <= len(self):
            raise ValueError(f"Scans to take must be between 0 and the {len(self)} that there are, got {n}.")
        drawn: Counter[str | None] = Counter()
        turns = []
        for place in shuffled(distinct(self.names), seed):
            label = self.scans[place].label
            turns.append((drawn[label], self.class_names.index(label) if label else 0, place))
            drawn[label] += 1
        return self.subset([place for _, _, place in sorted(turns)[:n]])

    def concat(self, other: OctDataset) -> OctDataset:
        """Append another dataset.

        Args:
            other: scans of the same classes. A patient who is in both datasets under one name counts as one person.

        Returns:
            A dataset of this one's scans, then the other's.

        Raises:
            ValueError: where the class names, or their order, differ.
        """
        if self.class_names != other.class_names:
            raise ValueError(
                "Datasets must have the same class names in the same order to be put together, got "
                f"{_shown(self.class_names)} and {_shown(other.class_names)}. "
                "Load them with the same class_names=."
            )
        return OctDataset(self.scans + other.scans, self.class_names)

    def with_patients(self, patients: Patients | Callable[[Path], str | None]) -> OctDataset:
        """Say who was scanned, where names of files don't.

        Args:
            patients: one for each scan (str or whole numbers; ``None``, NaN and empty ones are unknown), or a function
                that is given each scan's path (its name as a ``Path`` where it has no file) and returns the patient.

        Returns:
            The same scans with these patients.

        Raises:
            ValueError: where there aren't as many patients as scans.

        Example:
            >>> import octlib
            >>> scans = octlib.load_oct_dataset(np.zeros((3, 8, 8), dtype=np.uint8))
            >>> scans.with_patients(["p1", "p1", "p2"])
            OctDataset: 3 scans of 2 patients, no labels
        """
        given = [patients(scan.path or Path(scan.name)) for scan in self] if callable(patients) else patients
        known = as_patients(given, len(self))
        scans = (replace(scan, patient=patient) for scan, patient in zip(self.scans, known, strict=True))
        return OctDataset(tuple(scans), self.class_names)

    def split(
        self, fractions: Sequence[float] = (0.7, 0.15, 0.15), *, by: str = "patient", seed: int = 0
    ) -> tuple[OctDataset, ...]:
        """Divide the scans into parts of which no two share a patient, with every class in its share.

        The division depends on the names of the patients and the seed alone, not on the machine or the order of files.
        A patient's chance to be in a part doesn't depend on the number of scans.

        Args:
            fractions: the share of the scans that each part gets: positive, 1 in all.
            by: ``"patient"``; or ``"scan"``, which puts scans of one patient on both sides and makes figures look
                better than they are, for data whose patients nobody knows.
            seed: another one gives another division.

        Returns:
            A dataset for each fraction, each in this one's order.

        Raises:
            ValueError: where patients are unknown, a class has fewer patients than there are parts, or the fractions
                aren't positive or don't sum to 1.
        """
        keys, labels = self._split_keys(by), self._split_labels()
        parts = split_indices(keys, labels, fractions, seed=seed, class_names=self.class_names, unit=by)
        return tuple(self.subset(part) for part in parts)

    def folds(self, n: int = 5, *, by: str = "patient", seed: int = 0) -> list[tuple[OctDataset, OctDataset]]:
        """Divide the scans for cross-validation: each is tested once, by a model that hasn't seen its patient.

        Args:
            n: how many folds, at least 2.
            by: as for ``split``.
            seed: as for ``split``.

        Returns:
            For each fold the scans to train on and those to test on.

        Raises:
            ValueError: where patients are unknown, or a class has fewer patients than there are folds.
        """
        keys, labels = self._split_keys(by), self._split_labels()
        folds = fold_indices(keys, labels, n, seed=seed, class_names=self.class_names, unit=by)
        return [(self.subset(train), self.subset(test)) for train, test in folds]

    def images(
        self, preprocessing: Preprocessing | int | tuple[int, int], *, progress: bool | None = False
    ) -> NDArray[np.uint8]:
        """Read and preprocess all scans.

        Args:
            preprocessing: what happens to each; a size in pixels, (height, width) or one number for a square, resizes
                and nothing else. The aspect ratio is not kept.
            progress: whether to draw a bar; ``None`` draws one where somebody can watch.

        Returns:
            uint8 (n, height, width) in 0-255. Besides it, hardly any memory is used.

        Raises:
            MissingScanError: if files are gone, and every other scan can be read.
            UnreadableScanError: if scans can't be read; the text names them all, with the reasons.
        """
        return read_images(self, as_preprocessing(preprocessing), show=progress)

    def batches(
        self, preprocessing: Preprocessing | int | tuple[int, int], size: int = 32
    ) -> Iterator[NDArray[np.uint8]]:
        """Read and preprocess the scans in batches; the next one is read while the caller works on this one.

        Args:
            preprocessing: as for ``images``.
            size: scans in a batch, at least 1; the last one may be smaller.

        Returns:
            An iterator over uint8 (batch, height, width) in 0-255, in the order of the scans. It raises what ``images``
            raises, at the batch that has the first scan that can't be read.

        Raises:
            ValueError: if ``size`` is below 1.

        Example:
            >>> import octlib
            >>> [len(batch) for batch in octlib.load_oct_dataset("phantoms").sample(7).batches(64, size=3)]
            [3, 3, 1]
        """
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}.")
        return read_batches(self, as_preprocessing(preprocessing), size)

    def _split_keys(self, by: str) -> list[str]:
        if by not in UNITS:
            raise unknown("unit to split by", by, UNITS)
        if by == "scan":
            return distinct(self.names)
        known = [scan.patient for scan in self.scans if scan.patient is not None]
        if len(known) < len(self):
            raise ValueError(
                f"A split by patient must know every scan's patient, and {len(self) - len(known):,} of {len(self):,} "
                "scans have none. Give them with dataset.with_patients(...), or write by='scan' to let scans of one "
                "patient come into several parts."
            )
        return known

    def _split_labels(self) -> Sequence[int]:
        return [0] * len(self) if self.labels is None else self.labels.tolist()


def _objects(values: Sequence[object]) -> NDArray[np.object_]:
    result = np.empty(len(values), dtype=object)
    result[:] = values
    result.flags.writeable = False
    return result


def _places(indices: ArrayLike, n: int) -> list[int]:
    chosen: NDArray[Any] = np.asarray(indices)
    if chosen.ndim != 1:
        raise ValueError(f"Indices must be a plain list of positions or truth values, got {indices!r}. Write [3].")
    if chosen.dtype == bool and len(chosen) != n:
        raise ValueError(f"Truth values must be as many as scans, {n}, got {len(chosen)}.")
    if chosen.dtype == bool:
        return [int(place) for place in np.flatnonzero(chosen)]
    if len(chosen) and not np.issubdtype(chosen.dtype, np.integer):
        raise TypeError(f"Indices must be whole numbers or truth values, got {chosen.dtype}.")
    wrong = chosen[(chosen >= n) | (chosen < -n)]
    if len(wrong):
        raise IndexError(f"Indices must be between {-n} and {n - 1} for {n} scans, got {wrong[0]}.")
    return [int(place) for place in chosen]


def _shown(class_names: Sequence[str]) -> str:
    return f"({', '.join(class_names)})" if class_names else "no labels"
