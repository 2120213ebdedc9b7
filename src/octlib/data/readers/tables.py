"""Tables: a CSV or Parquet file that lists image files with labels, patients and whatever else is known."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from octlib.archives import open_binary
from octlib.data.classes import as_written
from octlib.data.columns import objects
from octlib.data.csv_files import read_csv, read_header
from octlib.data.named_errors import errors_named
from octlib.data.reader import Reader, Reading, Wanted
from octlib.data.readers.data_frames import read_table
from octlib.data.table_columns import find_columns
from octlib.errors import LayoutError, MissingPackageError, TableError

if TYPE_CHECKING:
    import pandas as pd

FIRST_ROW = 2  # as spreadsheets number rows: the names of the columns are in row 1

AS_TEXT = ("path", "label", "patient", "name", "split", "eye", "volume")  # patient 007 is not 7


class Tables(Reader):
    """Takes a ``.csv``, ``.tsv`` or ``.parquet`` file with a column of paths, which start from the file's folder."""

    layout = "table"
    takes = Path
    table = True

    def matches(self, source: object) -> bool:
        """Match a file of these kinds."""
        return isinstance(source, Path) and source.suffix.lower() in (".csv", ".tsv", ".parquet")

    def read(self, source: Path, wanted: Wanted) -> Reading:
        """Read the columns.

        Returns:
            As ``octlib.data.readers.data_frames.read_table``.

        Raises:
            LayoutError: likewise.
            MissingPackageError: if a Parquet file can't be read for want of pyarrow.
        """
        with errors_named(source):
            if source.suffix.lower() == ".parquet":
                frame = _read_parquet(source)
                frame.index = range(FIRST_ROW, FIRST_ROW + len(frame))
            else:
                frame = _read_csv(source, wanted)
            return read_table(frame, wanted, table=source.name, folder=source.parent)


def _read_csv(path: Path, wanted: Wanted) -> pd.DataFrame:
    """Read a CSV file: what octlib has a name for as text, and further columns as pandas finds them."""
    try:
        known = find_columns(read_header(path).names, wanted.columns)
        frame = read_csv(path, lambda name: known.get(name, name) in AS_TEXT)
    except LayoutError:  # of what the columns mean
        raise
    except UnicodeDecodeError as error:
        raise TableError(
            f"A table must be UTF-8 text, and {path} is not ({error.reason}).", "Save it as UTF-8."
        ) from None
    except (csv.Error, ValueError) as error:
        raise _damaged(path, error) from None
    for place, name in enumerate(frame.columns):
        if known.get(name, name) == "label":
            frame.isetitem(place, objects(as_written(frame.iloc[:, place], wanted.class_names)))
    return frame.drop(columns="") if list(frame.columns).count("") == 1 else frame  # where pandas wrote its index


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    if find_spec("pyarrow") is None:
        raise MissingPackageError(
            f"Reading {path.name} needs pyarrow, which is not installed.", "Run: pip install 'octlib[parquet]'"
        )
    try:
        with open_binary(path) as file:
            return pd.read_parquet(file, engine="pyarrow")
    except Exception as error:  # pandas and pyarrow raise nearly anything on damaged files
        if isinstance(error, MemoryError):
            raise
        raise _damaged(path, error) from None


def _damaged(path: Path, reason: object) -> TableError:
    return TableError(f"{path} can't be read as a table ({' '.join(str(reason).split())}).", "Mend it.")
