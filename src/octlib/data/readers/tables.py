"""Tables: a CSV or Parquet file that lists image files with labels, patients and whatever else is known."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octlib.archives import open_binary, open_text
from octlib.data.named_errors import errors_named
from octlib.data.reader import Reader, Reading, Wanted
from octlib.data.readers.data_frames import read_table
from octlib.data.table_columns import find_columns
from octlib.errors import MissingPackageError, TableError

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ",;\t|"
FIRST_ROW = 2  # as spreadsheets number rows: the names of the columns are in row 1

# How tables write that there is nothing. "None" is not among them: it may be the name of a class.
MISSING = ("", "NA", "N/A", "NaN", "nan", "<NA>")

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
            frame = _read_parquet(source) if source.suffix.lower() == ".parquet" else _read_csv(source, wanted)
            return read_table(
                frame, wanted, table=source.name, row=lambda place: place + FIRST_ROW, folder=source.parent
            )


def _read_csv(path: Path, wanted: Wanted) -> pd.DataFrame:
    """Read a CSV file: what octlib has a name for as text, and further columns as pandas finds them."""
    import pandas as pd

    try:
        names, separator = _header(path)
        # Without the header, since pandas gives the second of two columns of one name another one.
        options: dict[str, Any] = {"sep": separator, "encoding": "utf-8-sig", "header": None, "skiprows": 1}
        with open_binary(path) as file:
            texts = pd.read_csv(file, dtype=str, keep_default_na=False, **options)
        with open_binary(path) as file:
            frame = pd.read_csv(file, **options)
    except UnicodeDecodeError as error:
        raise TableError(
            f"A table must be UTF-8 text, and {path} is not ({error.reason}).", "Save it as UTF-8."
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        raise _damaged(path, error) from None
    if len(names) != frame.shape[1]:
        raise _damaged(path, f"it names {len(names)} columns and has {frame.shape[1]}")
    known = find_columns(names, wanted.columns)
    for place, name in enumerate(names):
        if known.get(name, name) in AS_TEXT:
            frame[place] = texts[place].where(~texts[place].isin(MISSING), None)
        if known.get(name, name) == "label":
            frame[place] = _labels(frame[place])
    frame = frame.set_axis(names, axis=1)
    return frame.drop(columns="") if names.count("") == 1 else frame  # where pandas wrote its index


def _header(path: Path) -> tuple[list[str], str]:
    """Give the names of the columns, and the separator: that which makes the most of them."""
    with open_text(path, newline="") as file:
        line = file.readline()
    found = [(next(csv.reader([line], delimiter=each), []), each) for each in SEPARATORS]
    return max(found, key=lambda each: len(each[0]))


def _labels(texts: pd.Series) -> pd.Series:
    """Make numbers of labels that all are: positions in the class names."""
    known = texts.dropna()
    if len(known) and known.str.isdecimal().all():
        return texts.map(int, na_action="ignore").astype(object)
    return texts


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
