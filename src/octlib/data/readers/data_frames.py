"""Data frames: a table of image files with labels, patients and whatever else is known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from octlib.data.classes import as_labels
from octlib.data.columns import as_column, is_missing, objects
from octlib.data.dataset import OctDataset
from octlib.data.naming import is_image, published_split
from octlib.data.origin_columns import FileOrigins
from octlib.data.patients import as_patients
from octlib.data.reader import Reader, Reading, Wanted
from octlib.data.readers.paths import as_files, missing_files, patient_of_file, relative_names, require_images
from octlib.errors import LayoutError

if TYPE_CHECKING:
    import pandas as pd

# Files that are looked up at once: enough to find a wrong folder, few enough for a table of a million on a network.
LOOKED_UP = 100
KNOWN = ("path", "label", "patient", "name", "split")


class DataFrames(Reader):
    """Takes a ``pandas.DataFrame`` with the column path; label, patient, name, split and any others may be there."""

    def matches(self, source: object) -> bool:
        """Match a frame; whoever has one has imported pandas."""
        return "pandas" in sys.modules and isinstance(source, sys.modules["pandas"].DataFrame)

    def read(self, source: pd.DataFrame, wanted: Wanted) -> Reading:
        """Read the columns.

        Returns:
            The scans in the order of the rows. Without a column patient, patients are read off the names of files;
            without a column name, scans are named by their paths below the folder that all have in common.

        Raises:
            LayoutError: if there is no column path, a path is missing, or columns share a name.
            FileNotFoundError: if files are missing; of a large table a hundred are looked up.
            ValueError: if a file is no image by its suffix.
        """
        frame = _checked(source)
        files = as_files(frame["path"])
        require_images(files, [path for path in files if not is_image(path)])
        _look_up(files)
        names = frame["name"].astype(str) if "name" in frame else relative_names(files)
        given = frame["label"] if "label" in frame else np.full(len(files), None)
        labels, class_names = as_labels(given, len(files), wanted.class_names)
        patients = frame["patient"] if "patient" in frame else [patient_of_file(path) for path in files]
        _check_labels(frame, files)
        columns = {name: as_column(frame[name]) for name in frame if name not in ("path", "name", "label", "patient")}
        if "split" in columns:
            columns["split"] = _as_splits(columns["split"])
        return Reading(
            OctDataset(
                FileOrigins(objects(files)),
                objects(list(names)),
                labels,
                class_names,
                as_patients(patients, len(files)),
                columns,
            )
        )


def _checked(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    if "path" not in frame:
        raise LayoutError(
            f"A table of scans must have a column 'path', and it has {', '.join(frame.columns) or 'none'}.",
            "Rename its column with frame.rename(columns={...: 'path'}).",
        )
    misspelt = [name for name in frame.columns if name not in KNOWN and name.strip().lower() in KNOWN]
    if misspelt:
        shown = ", ".join(map(repr, misspelt))
        raise LayoutError(
            f"The columns {', '.join(KNOWN)} of a table must be written so, and it has {shown}.",
            "Rename them with frame.rename(columns=...), or drop them.",
        )
    repeated = sorted(set(frame.columns[frame.columns.duplicated()]))
    if repeated:
        raise LayoutError(f"The columns of a table must differ, and {', '.join(repeated)} is there more than once.")
    missing = int(frame["path"].isna().sum())
    if missing:
        raise LayoutError(
            f"Every row of a table must have a path, and {missing:,} of {len(frame):,} have none.",
            "Leave them out with frame.dropna(subset='path').",
        )
    return frame


def _check_labels(frame: pd.DataFrame, files: list[str]) -> None:
    if "label" not in frame or len(set(files)) == len(files):
        return
    labels = frame["label"].astype(str).groupby(np.asarray(files, dtype=object)).nunique()
    torn = labels.index[labels > 1]
    if len(torn):
        raise ValueError(
            f"A file must have one label, and {len(torn):,} have several, such as {torn[0]}. Mend the table, or leave "
            "these rows out."
        )


def _look_up(files: list[str]) -> None:
    tried = files[:: max(1, len(files) // LOOKED_UP)]
    missing = missing_files(tried)
    if missing:
        raise FileNotFoundError(
            f"The paths of a table must be files that exist, and {len(missing)} of {len(tried)} that were looked up "
            f"don't, such as {missing[0]}. Relative ones start from {Path.cwd()}."
        )


def _as_splits(values: np.ndarray) -> np.ndarray:
    texts = [None if is_missing(value) else str(value) for value in values]
    return objects([text if text is None else published_split(text) or text for text in texts])
