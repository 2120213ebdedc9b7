"""Dataset: a table of scans that never changes; pixels are read when asked for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from octlib._checks import as_whole
from octlib._suggest import unknown
from octlib.data import splits
from octlib.data.audit import Audit, audit_scans
from octlib.data.columns import as_places, join_columns, number, objects, read_only
from octlib.data.naming import misspelt
from octlib.data.origin_columns import Origins, join_origins
from octlib.data.patients import Patients, as_patients, patients_of_names
from octlib.data.pixels import read_batches, read_images
from octlib.data.scan import Scan
from octlib.data.summary import Summary, summarise
from octlib.data.units import split_keys
from octlib.errors import UnmatchedClassesError
from octlib.preprocessing import Preprocessing, as_preprocessing

if TYPE_CHECKING:
    import pandas as pd

OF_A_SCAN = ("split", "eye", "volume", "position")  # columns that a scan has as attributes, whatever the source


@dataclass(frozen=True, eq=False, repr=False)
class OctDataset(Sequence[Scan]):
    """Scans with their labels and patients, as ``octlib.load_oct_dataset`` gives them.

    A dataset never changes: every method gives a new one. It holds columns of names and paths, not pixels.
    ``dataset[3]`` is a ``Scan``; ``dataset[:10]``, ``dataset[mask]`` and ``dataset[[0, 4]]`` are datasets, as
    scikit-learn expects of what it divides.

    Args:
        origins: where the pixels come from, a column of n.
        names: object (n,) of str: what identifies each scan on every machine, its relative path or its number in an
            array.
        labels: int64 (n,), positions in ``class_names``, -1 for a scan without a label; ``None`` without classes.
        class_names: the classes in the order of the label numbers; empty where there are none. A class may be without
            scans.
        patients: object (n,) of str, ``None`` for unknown ones; ``None`` where none is known.
        columns: whatever else is known, such as split, eye, volume and position: by its name (n,) of any type.

    Raises:
        ValueError: if class names repeat, a label is none of theirs, or columns differ in length.

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
        >>> scans[0].patient, len(scans[scans.labels == 1])
        ('p1', 2)
    """

    origins: Origins
    names: NDArray[np.object_]
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    patients: NDArray[np.object_] | None = None
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the columns agree, and close them for writing."""
        put = object.__setattr__
        put(self, "class_names", tuple(self.class_names))
        put(self, "names", read_only(self.names))
        columns = {name: read_only(column) for name, column in self.columns.items()}
        put(self, "columns", MappingProxyType(columns))
        if self.labels is not None:
            put(self, "labels", read_only(np.asarray(self.labels, dtype=np.int64)))
        if self.patients is not None:
            known = any(patient is not None for patient in self.patients)
            put(self, "patients", read_only(self.patients) if known else None)
        self._check()

    def _check(self) -> None:
        repeated = [name for name, times in Counter(self.class_names).items() if times > 1]
        if repeated:
            raise ValueError(f"Class names must differ, got {', '.join(repeated)} more than once.")
        if (self.labels is None) == bool(self.class_names):
            raise ValueError("A dataset must have both labels and class names, or neither.")
        if self.labels is not None and np.any((self.labels < -1) | (self.labels >= len(self.class_names))):
            raise ValueError("Labels must be positions in the class names, or -1 for a scan without a label.")
        columns = (self.origins, self.labels, self.patients, *self.columns.values())
        if any(column is not None and len(column) != len(self) for column in columns):
            raise ValueError(f"Every column of a dataset must have a value for each of its {len(self)} names.")

    def __reduce__(self) -> tuple[Any, ...]:
        # A view of a dict can't be pickled.
        columns = (self.origins, self.names, self.labels, self.class_names, self.patients, dict(self.columns))
        return OctDataset, columns

    def __len__(self) -> int:
        return len(self.names)

    @property
    def shape(self) -> tuple[int]:
        """The number of scans, as an array of them would give it: scikit-learn asks."""
        return (len(self),)

    @overload
    def __getitem__(self, places: int | np.integer[Any]) -> Scan: ...
    @overload
    def __getitem__(self, places: slice | ArrayLike | tuple[Any, ...]) -> OctDataset: ...

    def __getitem__(self, places: Any) -> Scan | OctDataset:
        """Give one scan, or a dataset of several: by a slice, by truth values, or by positions."""
        if isinstance(places, tuple) and len(places) == 2 and places[1] is Ellipsis:
            places = places[0]  # scikit-learn writes array[places, ...]
        if isinstance(places, slice):
            return self._take(places)
        if isinstance(places, (int, np.integer)) and not isinstance(places, bool):
            return self._scan(int(as_places([int(places)], len(self))[0]))
        if isinstance(places, str):
            raise TypeError(
                f"Scans are chosen by positions or truth values, got {places!r}. Write "
                f"scans[scans.column('label') == {places!r}] for a class, scans.column({places!r}) for a column."
            )
        return self.subset(places)

    def __iter__(self) -> Iterator[Scan]:
        return (self._scan(place) for place in range(len(self)))

    def _scan(self, place: int) -> Scan:
        label = -1 if self.labels is None else self.labels[place]
        columns = {name: self.columns[name][place] for name in OF_A_SCAN if name in self.columns}
        return Scan(
            self.origins[place],
            self.names[place],
            None if label < 0 else self.class_names[label],
            None if self.patients is None else self.patients[place],
            **columns,
        )

    def _take(self, places: NDArray[np.int64] | slice) -> OctDataset:
        return OctDataset(
            self.origins.take(places),
            self.names[places],
            None if self.labels is None else self.labels[places],
            self.class_names,
            None if self.patients is None else self.patients[places],
            {name: column[places] for name, column in self.columns.items()},
        )

    def __repr__(self) -> str:
        return self._summary.as_text()

    def _repr_html_(self) -> str:
        return self._summary.as_html()

    @cached_property
    def _summary(self) -> Summary:
        return summarise(self.labels, self.class_names, self.patients, self.column("split"))

    @cached_property
    def paths(self) -> NDArray[np.object_]:
        """The files as object (n,) of ``Path``, ``None`` for scans without a file of their own. Read-only."""
        return read_only(objects([None if path is None else Path(path) for path in self.origins.paths()]))

    def column(self, name: str) -> NDArray[Any]:
        """Give one column of the table.

        Args:
            name: ``"name"``, ``"path"``, ``"label"`` (the class's name), ``"patient"``, ``"split"``, ``"eye"``,
                ``"volume"``, ``"position"``, or any further column of the source.

        Returns:
            (n,): str or ``None`` as objects, numbers where the source has them; of the eight above, those that the
            source doesn't tell are ``None`` throughout.

        Raises:
            ValueError: if there is no such column.

        Example:
            >>> import octlib
            >>> octlib.load_oct_dataset("phantoms")[:2].column("label")
            array(['CNV', 'CNV'], dtype=object)
        """
        if name in self.columns:
            return self.columns[name]
        if name == "name":
            return self.names
        if name == "path":
            return read_only(self.origins.paths())
        if name == "label" and self.labels is not None:
            return read_only(objects([*self.class_names, None])[self.labels])  # -1 is the last
        if name == "patient" and self.patients is not None:
            return self.patients
        if name in ("label", "patient", *OF_A_SCAN):
            return read_only(np.full(len(self), None, dtype=object))
        raise unknown("column", name, ("name", "path", "label", "patient", *OF_A_SCAN, *self.columns))

    def patient_groups(self) -> NDArray[np.int64]:
        """Number the patients, for what works by patient, such as scikit-learn's ``GroupKFold``.

        Returns:
            int64 (n,): equal for scans of one patient. A scan without a patient is a patient of its own.

        Example:
            >>> import octlib
            >>> octlib.load_oct_dataset((np.zeros((4, 8, 8), np.uint8), None, ["b", None, "b", None])).patient_groups()
            array([0, 1, 0, 2])
        """
        return number(self.column("patient"))

    def to_frame(self) -> pd.DataFrame:
        """List the scans as a table, which ``octlib.load_oct_dataset`` takes back where every scan has a file.

        Returns:
            A ``pandas.DataFrame`` with a row for each scan and the columns name, path, label (categorical: the names of
            the classes in their order), patient and split, then every further column; ``None`` for what isn't known,
            NaN for a label.
        """
        import pandas as pd

        kept = {"split": self.column("split")} | dict(self.columns)
        texts = {"name": self.names, "path": self.origins.paths(), "label": None, "patient": self.column("patient")}
        frame = {
            name: pd.Series(column, dtype=column.dtype) for name, column in (texts | kept).items() if column is not None
        }
        if self.labels is None:
            frame["label"] = pd.Series(self.column("label"), dtype=object)
        else:
            frame["label"] = pd.Categorical.from_codes(self.labels, categories=pd.Index(self.class_names, dtype=object))
        return pd.DataFrame({name: frame[name] for name in texts | kept})

    def subset(self, indices: ArrayLike) -> OctDataset:
        """Choose scans.

        Args:
            indices: their positions in the order that is wanted (negative ones count from the end), or one truth value
                for each scan.

        Returns:
            A dataset of these scans with the same class names.

        Raises:
            TypeError: if the indices are neither whole numbers nor truth values.
            IndexError: if a position is out of range.
            ValueError: if they aren't a plain list, or there aren't as many truth values as scans.
        """
        return self._take(as_places(indices, len(self)))

    def without(self, places: ArrayLike) -> OctDataset:
        """Leave scans out, such as ``scans.audit().duplicates``.

        Args:
            places: as the indices of ``subset``.

        Returns:
            A dataset of the others, in their order.
        """
        return self._take(np.delete(np.arange(len(self)), as_places(places, len(self))))

    def sample(self, n: int, *, seed: int = 0) -> OctDataset:
        """Draw scans at random, the classes in turn, so that a few of them show every class.

        Args:
            n: how many, 0 to ``len(dataset)``.
            seed: another one draws others.

        Returns:
            A dataset of ``n`` scans, one class after the other as long as they last; scans without a label come last.

        Raises:
            ValueError: if there aren't that many scans.
        """
        if as_whole("n", n, minimum=0) > len(self):
            raise ValueError(f"Scans to take must be between 0 and the {len(self)} that there are, got {n}.")
        labels = [0] * len(self) if self.labels is None else self.labels.tolist()
        return self.subset(splits.in_turns(splits.shuffled(splits.distinct(self.names.tolist()), seed), labels)[:n])

    def concat(self, other: OctDataset) -> OctDataset:
        """Append another dataset.

        Args:
            other: scans of the same classes. A patient who is in both datasets under one name counts as one person.

        Returns:
            A dataset of this one's scans, then the other's.

        Raises:
            TypeError: if ``other`` is no dataset.
            UnmatchedClassesError: if the class names, or their order, differ.
        """
        if not isinstance(other, OctDataset):
            raise TypeError(f"What is appended must be a dataset, got {type(other).__name__}. Load it first.")
        if self.class_names != other.class_names:
            raise UnmatchedClassesError(
                "Datasets must have the same class names in the same order to be put together, got "
                f"{_shown(self.class_names)} and {_shown(other.class_names)}.",
                "Bring one to the classes of the other: dataset.with_class_names(...).",
            )
        return OctDataset(
            join_origins(self.origins, other.origins),
            np.concatenate([self.names, other.names]),
            None if self.labels is None or other.labels is None else np.concatenate([self.labels, other.labels]),
            self.class_names,
            np.concatenate([self.column("patient"), other.column("patient")]),
            {
                name: join_columns(self._known(name), other._known(name))
                for name in dict(self.columns) | dict(other.columns)
            },
        )

    def with_patients(self, patients: Patients | str | re.Pattern[str] | Callable[[Path], str | None]) -> OctDataset:
        """Say who was scanned, where names of files don't.

        Args:
            patients: one for each scan (str or whole numbers; ``None``, NaN, empty ones and ``"unknown"`` are unknown);
                or a function that is given each scan's path (its name as a ``Path`` where it has no file) and returns
                the patient; or a regular expression that is searched for in each scan's name, and whose first group is
                the patient.

        Returns:
            The same scans with these patients.

        Raises:
            ValueError: if there aren't as many patients as scans, or a regular expression has no group or fits no name.

        Example:
            >>> import octlib
            >>> scans = octlib.load_oct_dataset(np.zeros((3, 8, 8), dtype=np.uint8))
            >>> scans.with_patients(["p1", "p1", "p2"])
            OctDataset: 3 scans of 2 patients, no labels
        """
        if isinstance(patients, (str, re.Pattern)):
            patients = patients_of_names(patients, self.names.tolist())
        if callable(patients):
            files = zip(self.origins.paths(), self.names, strict=True)
            patients = [patients(Path(name if path is None else path)) for path, name in files]
        return replace(self, patients=as_patients(patients, len(self)))

    def with_class_names(self, class_names: Sequence[str]) -> OctDataset:
        """Put the classes into another order, or add classes that no scan is of.

        Args:
            class_names: at least the classes that there are, in the order that is wanted.

        Returns:
            The same scans, each of the class that it had.

        Raises:
            UnmatchedClassesError: if one of the classes is missing, or there are no labels.
        """
        names = tuple(class_names)
        if self.labels is None or set(self.class_names) - set(names):
            raise UnmatchedClassesError(
                f"Class names must cover the classes of the source: {', '.join(names)} were given, and it has "
                f"{', '.join(self.class_names) or 'no labels'}.",
                f"Give the same names in any order.{misspelt(names, self.class_names)}",
            )
        order = np.array([*map(names.index, self.class_names), -1])  # -1 is the last
        return replace(self, labels=order[self.labels], class_names=names)

    def split(
        self, fractions: Sequence[float] = (0.7, 0.15, 0.15), *, by: str = "patient", seed: int = 0
    ) -> tuple[OctDataset, ...]:
        """Divide the scans into parts of which no two share a patient, with every class in its share.

        The division depends on the names of the patients and the seed alone, not on the machine or the order of files.
        A patient's chance to be in a part doesn't depend on the number of scans.

        Args:
            fractions: the share of the scans that each part gets: positive, 1 in all.
            by: ``"patient"``, which keeps the slices of a volume together too; or, for data whose patients nobody
                knows, ``"volume"`` and ``"scan"``, which put scans of one patient on both sides and make figures look
                better than they are.
            seed: another one gives another division.

        Returns:
            A dataset for each fraction, each in this one's order.

        Raises:
            SplitError: if patients are unknown, or a class has fewer patients than there are parts.
            ValueError: if the fractions aren't positive or don't sum to 1.

        Warns:
            SplitWarning: if a part has no scan of a class, and no draw was found that gives it one; or if a part's
                share of the scans is more than five points and one scan off, as happens where patients are few.
        """
        keys, labels, names = split_keys(by, self), *self._split_labels()
        parts = splits.split_indices(keys, labels, fractions, seed=seed, class_names=names, unit=by)
        splits.warn_of_missing_classes("Part", parts, labels, names)
        splits.warn_of_other_shares(parts, fractions, by)
        return tuple(self._take(part) for part in parts)

    def folds(self, n: int = 5, *, by: str = "patient", seed: int = 0) -> list[tuple[OctDataset, OctDataset]]:
        """Divide the scans for cross-validation: each is tested once, by a model that hasn't seen its patient.

        Args:
            n: how many folds, at least 2.
            by: as for ``split``.
            seed: as for ``split``.

        Returns:
            For each fold the scans to train on and those to test on.

        Raises:
            SplitError: if patients are unknown, or a class has fewer patients than there are folds.
            ValueError: if ``n`` is below 2.

        Warns:
            SplitWarning: as ``split``.
        """
        keys, labels, names = split_keys(by, self), *self._split_labels()
        folds = splits.fold_indices(keys, labels, n, seed=seed, class_names=names, unit=by)
        splits.warn_of_missing_classes("The test part of fold", [test for _, test in folds], labels, names)
        return [(self._take(train), self._take(test)) for train, test in folds]

    def audit(self, *, progress: bool | None = None) -> Audit:
        """Read every scan once, and find what costs trust: damage, copies, leaks. See ``octlib.data.Audit``.

        Args:
            progress: whether to draw bars; ``None`` draws them where somebody can watch.

        Returns:
            The findings; nothing is an error here, and nothing is left out.
        """
        return audit_scans(self, progress=progress)

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

    def _known(self, name: str) -> NDArray[Any]:
        return self.columns.get(name, np.full(len(self), None, dtype=object))

    def _split_labels(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        if self.labels is None or not (self.labels >= 0).any():
            return np.zeros(len(self), dtype=np.int64), ()
        return self.labels, self.class_names


def _shown(class_names: Sequence[str]) -> str:
    return f"({', '.join(class_names)})" if class_names else "no labels"
