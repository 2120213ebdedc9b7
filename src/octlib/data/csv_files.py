"""CSV files: tables whose columns keep their names, and of which some are text though they look like numbers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octlib.archives import open_binary, open_text

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ",;\t|"
FIRST_LINE = 1 << 20  # characters; what is longer is no header

# How tables write that there is nothing. "None" is not among them: it may be the name of a class.
MISSING = ("", "NA", "N/A", "NaN", "nan", "<NA>")


def read_names(path: Path, *, errors: str = "strict") -> tuple[list[str], str]:
    """Read the names of the columns, and the separator: that which makes the most of them.

    Args:
        path: of the file.
        errors: what to do with bytes that are no UTF-8, as for ``open``.

    Raises:
        csv.Error: if the first line can't be read.
        UnicodeDecodeError: likewise.
    """
    with open_text(path, errors=errors, newline="") as file:
        line = file.readline(FIRST_LINE)
    found = [(next(csv.reader([line], delimiter=each), []), each) for each in SEPARATORS]
    return max(found, key=lambda each: len(each[0]))


def read_csv(path: Path, is_text: Callable[[str], bool]) -> pd.DataFrame:
    """Read a table.

    Args:
        path: of the file, in UTF-8.
        is_text: whether a column of some name is text, whatever it looks like: patient 007 is not 7.

    Returns:
        Its rows, ``None`` in place of missing text; other columns as pandas finds them. Names are kept, repeated ones
        too.

    Raises:
        ValueError: if it can't be read, or has no rows.
        csv.Error: likewise.
    """
    import pandas as pd

    names, separator = read_names(path)
    # Without the header, since pandas gives the second of two columns of one name another one.
    options: dict[str, Any] = {"sep": separator, "encoding": "utf-8-sig", "header": None, "skiprows": 1}
    try:
        with open_binary(path) as file:
            texts = pd.read_csv(file, dtype=str, keep_default_na=False, **options)
    except pd.errors.EmptyDataError:
        raise ValueError("it has no rows") from None
    with open_binary(path) as file:
        frame = pd.read_csv(file, low_memory=False, **options)
    if len(names) != frame.shape[1]:
        raise ValueError(f"it names {len(names)} columns and has {frame.shape[1]}")
    for place, name in enumerate(names):
        if is_text(name):
            frame[place] = texts[place].where(~texts[place].isin(MISSING), None)
    return frame.set_axis(names, axis=1)
