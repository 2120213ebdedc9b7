"""CSV files: tables whose columns keep their names, and of which some are text though they look like numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from octlib.archives import open_binary, open_text

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ",;\t|"
FIRST_LINE = 1 << 20  # characters; what is longer is no header

# How tables write that there is nothing. "None" is not among them: it may be the name of a class.
MISSING = ("", "NA", "N/A", "NaN", "nan", "<NA>")

# The first line that Excel understands and doesn't show: how the cells are separated.
_SAID = re.compile(f'"?sep=([{SEPARATORS}])"?', re.IGNORECASE)


class Header(NamedTuple):
    """What a table begins with.

    Attributes:
        names: of the columns.
        separator: of the cells.
        before: lines in front of the names: empty ones, and the one that says the separator.
        row: that the names are in, as spreadsheets number it: they don't show the line that says the separator.
    """

    names: list[str]
    separator: str
    before: int
    row: int


def read_header(path: Path, *, errors: str = "strict") -> Header:
    """Read the names of the columns: the first line that isn't empty, nor Excel's own that says the separator.

    Args:
        path: of the file.
        errors: what to do with bytes that are no UTF-8, as for ``open``.

    Returns:
        The names, and the separator: without such a line, the one that makes the most of them.

    Raises:
        csv.Error: if the line can't be read.
        UnicodeDecodeError: likewise.
    """
    with open_text(path, errors=errors, newline="") as file:
        line = file.readline(FIRST_LINE)
        said = _SAID.fullmatch(line.strip("\r\n"))
        before = 0
        while line and (not line.strip(f"{SEPARATORS} \r\n") or (said and not before)):
            line = file.readline(FIRST_LINE)
            before += 1
    found = [(next(csv.reader([line], delimiter=each), []), each) for each in (said.group(1) if said else SEPARATORS)]
    names, separator = max(found, key=lambda each: len(each[0]))
    return Header(names, separator, before, before + (0 if said else 1))


def read_csv(path: Path, is_text: Callable[[str], bool]) -> pd.DataFrame:
    """Read a table.

    Args:
        path: of the file, in UTF-8.
        is_text: whether a column of some name is text, whatever it looks like: patient 007 is not 7.

    Returns:
        Its rows but for empty ones, each with its number in a spreadsheet as the index; ``None`` in place of missing
        text; other columns as pandas finds them. Names are kept, repeated ones too.

    Raises:
        ValueError: if it can't be read, or has no rows.
        csv.Error: likewise.
    """
    import pandas as pd

    header = read_header(path)
    # Without the header, since pandas gives the second of two columns of one name another one.
    options: dict[str, Any] = {"sep": header.separator, "encoding": "utf-8-sig", "header": None}
    try:
        with open_binary(path) as file:
            texts = pd.read_csv(
                file, dtype=str, keep_default_na=False, skip_blank_lines=False, skiprows=header.before, **options
            )
    except pd.errors.EmptyDataError:
        raise ValueError("it has no rows") from None
    names, texts = header.names, texts[1:]  # the names came along, so that no row may be longer than they
    rows = texts.index.difference(_empty(texts)) + header.row
    if not len(rows):
        raise ValueError("it has no rows")
    if len(names) != texts.shape[1]:
        raise ValueError(f"it names {len(names)} columns and has {texts.shape[1]}")
    options |= {"low_memory": False, "names": range(len(names))}
    if len(rows) == len(texts):
        with open_binary(path) as file:
            frame = pd.read_csv(file, skiprows=header.before + 1, skip_blank_lines=False, **options)
    else:  # without empty rows, which would make floats of whole numbers
        texts = texts.loc[rows - header.row]
        frame = pd.read_csv(io.StringIO(texts.to_csv(header=False, index=False, sep=header.separator)), **options)
    frame.index = texts.index = rows
    for place, name in enumerate(names):
        if is_text(name):
            frame[place] = texts[place].where(~texts[place].isin(MISSING), None)
    return frame.set_axis(names, axis=1)


def _empty(texts: pd.DataFrame) -> pd.Index:
    """Choose the rows without content: blank lines, and those that spreadsheets write of emptied cells."""
    for place in texts:
        texts = texts[texts[place].fillna("").str.strip() == ""]
    return texts.index
