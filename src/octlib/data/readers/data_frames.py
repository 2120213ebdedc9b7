"""Data frames: a table of image files with labels, patients and whatever else is known."""
# Paths as texts, since a table may have a million.
# ruff: noqa: PTH111, PTH118

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from octlib.data.classes import as_labels
from octlib.data.columns import as_column, is_missing, objects
from octlib.data.dataset import OctDataset
from octlib.data.named_scans import named_scans, repeats
from octlib.data.naming import published_split
from octlib.data.origin_columns import FileOrigins
from octlib.data.patients import as_patients
from octlib.data.reader import Reader, Reading, Wanted
from octlib.data.readers.paths import patient_of_file, relative_names, repeated_files
from octlib.data.table_columns import find_columns
from octlib.data.table_problems import require_sound
from octlib.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

NOT_FURTHER = ("path", "name", "label", "patient")  # columns that a dataset keeps by themselves


class DataFrames(Reader):
    """Takes a ``pandas.DataFrame`` with a column of paths; label, patient, name, split and any others may be there."""

    table = True

    def matches(self, source: object) -> bool:
        """Match a frame; whoever has one has imported pandas."""
        return "pandas" in sys.modules and isinstance(source, sys.modules["pandas"].DataFrame)

    def read(self, source: pd.DataFrame, wanted: Wanted) -> Reading:
        """Read the columns; paths start from the current folder.

        Returns:
            As ``read_table``.

        Raises:
            LayoutError: as ``read_table``.
        """
        return read_table(source, wanted, table="the table")


def read_table(frame: pd.DataFrame, wanted: Wanted, *, table: str, folder: Path | None = None) -> Reading:
    """Read a table of scans.

    Args:
        frame: a row for each scan, which errors call by its index.
        wanted: what the user asks for.
        table: what errors call it.
        folder: what relative paths start from; ``None`` for the current folder.

    Returns:
        The scans in the order of the rows. Without a column patient, patients are read off the names of files; without
        a column name, scans are named by their paths relative to ``folder``, or below the folder that all have in
        common.

    Raises:
        LayoutError: if there is no column of paths, columns share a name, or it can't be told which one is meant.
        TableError: if rows can't be taken, with all of them.
    """
    frame = _named(frame, wanted)
    paths = [None if is_missing(path) or not str(path).strip() else str(path) for path in frame["path"]]
    files = [path and os.path.expanduser(path if folder is None else os.path.join(folder, path)) for path in paths]
    labels = frame.get("label")
    row = frame.index.__getitem__
    # Of a file that holds several scans, a row may name one.
    frames = list(frame["frame"]) if "frame" in frame else None
    scans = named_scans(files, frames)
    require_sound(table, row, files, frames, scans, labels, wanted.class_names)
    found = [path for path in files if path]  # all: none is missing any more
    numbers, class_names = as_labels(
        np.full(len(found), None) if labels is None else labels, len(found), wanted.class_names
    )
    patients = frame["patient"] if "patient" in frame else [patient_of_file(path) for path in found]
    columns = {name: as_column(frame[name]) for name in frame if name not in NOT_FURTHER}
    if "split" in columns:
        columns["split"] = _as_splits(columns["split"])
    dataset = OctDataset(
        FileOrigins(objects(found)),
        objects(list(frame["name"].astype(str)) if "name" in frame else relative_names(found, folder)),
        numbers,
        class_names,
        as_patients(patients, len(found)),
        columns,
    )
    again = [f"row {row(place)}, {found[place]}" for place in repeats(scans)]
    return Reading(dataset, repeated_files(f"in {table}", again))


def _named(frame: pd.DataFrame, wanted: Wanted) -> pd.DataFrame:
    """Give the columns octlib's names."""
    names = [str(name) for name in frame.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TableError(f"The columns of a table must differ, and {', '.join(repeated)} is there more than once.")
    new = find_columns(names, wanted.columns)
    renamed = [new.get(name, name) for name in names]
    if "path" not in renamed:
        raise TableError(
            f"A table of scans must have a column 'path', and it has {', '.join(names) or 'none'}.",
            "Say which one it is: columns={'path': ...}.",
        )
    return frame.set_axis(renamed, axis=1)


def _as_splits(values: np.ndarray) -> np.ndarray:
    texts = [None if is_missing(value) else str(value) for value in values]
    return objects([text if text is None else published_split(text) or text for text in texts])
