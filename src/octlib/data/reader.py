"""Reader: what every reader of a layout offers; each is a class in a module of ``octlib.data.readers``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from octlib.data.columns import as_column, objects
from octlib.data.dataset import OctDataset
from octlib.data.origin_columns import FileOrigins
from octlib.errors import OctlibWarning

# Of a file: the scan's name, the path, the class's name, the patient and the published split.
Row = tuple[str, str, str | None, str | None, str | None]


NOTHING: Mapping[str, Sequence[object]] = MappingProxyType({})


class Wanted(NamedTuple):
    """What the user asks for; a reader may use it, and needn't: loading sees to it in the end.

    Attributes:
        split: ``"train"``, ``"val"`` or ``"test"``; ``None`` for all.
        class_names: the classes in order, for labels that are numbers; ``None`` where they weren't given.
        columns: for a table, by octlib's name the one that it gives a column.
    """

    split: str | None = None
    class_names: tuple[str, ...] | None = None
    columns: Mapping[str, str] = MappingProxyType({})


class Reading(NamedTuple):
    """What a reader gives.

    Attributes:
        dataset: all scans, of all published splits.
        warnings: what the user should hear, such as what was left out.
    """

    dataset: OctDataset
    warnings: tuple[OctlibWarning, ...] = ()


class Reader(ABC):
    """Reads one layout.

    Attributes:
        layout: the name that asks for it, in ``load_oct_dataset(layout=...)`` and at the shell; ``None`` where it is
            found by the source alone.
        takes: the type of its sources: ``octlib.data.tree.Folder`` for folders, ``pathlib.Path`` for files, or a type
            of Python's.
        last_resort: whether it stands back where another one matches.
        table: whether a source has columns that can be named.
        patients_within: the column, such as site, whose values have patients of their own, so that one name under two
            of them is two people; loading sees to it, wherever patients come from. ``None`` for none.
    """

    layout: ClassVar[str | None] = None
    takes: ClassVar[type] = object
    last_resort: ClassVar[bool] = False
    table: ClassVar[bool] = False
    patients_within: ClassVar[str | None] = None

    def matches(self, source: object) -> bool:
        """Say whether a source is certainly of this layout; one that nothing can tell has to be asked for by name."""
        return False

    @abstractmethod
    def read(self, source: Any, wanted: Wanted) -> Reading:
        """Read a source of the type that it takes."""


def dataset_of_files(
    rows: Iterable[Row],
    class_names: Sequence[str] = (),
    columns: Mapping[str, Sequence[object] | NDArray[Any]] = NOTHING,
) -> OctDataset:
    """Make a dataset of files.

    Args:
        rows: the files.
        class_names: the classes in their order, at least all that there are.
        columns: what else is known, such as eye, volume and position: by its name, a value for each row.

    Returns:
        The scans in the order of the rows.
    """
    names, paths, labels, patients, splits = list(zip(*rows, strict=True)) or ((),) * 5
    place: dict[str | None, int] = {name: position for position, name in enumerate(class_names)}
    return OctDataset(
        FileOrigins(objects(paths)),
        objects(names),
        np.array([place.get(label, -1) for label in labels], dtype=np.int64) if class_names else None,
        tuple(class_names),
        objects(patients),
        ({"split": objects(splits)} if any(splits) else {})
        | {name: as_column(values) for name, values in columns.items()},
    )
