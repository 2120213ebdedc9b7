"""Points: where people clicked on lesions, read from a table, with all that is wrong with it told at once."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib.data import OctDataset
from octlib.data.columns import as_text
from octlib.data.csv_files import read_csv
from octlib.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("name", "x", "y")
SHOWN = 5  # rows of each problem


def read_points(points: str | Path | pd.DataFrame, scans: OctDataset) -> dict[int, np.ndarray]:
    """Read which pixels of scans somebody marked.

    Args:
        points: a CSV file or a table with the columns name (of a scan, as in ``scans.names``), x and y: pixels of the
            scan as it is read, from its left upper corner on, 0 or more. Several rows of a scan are several points;
            other columns don't matter.
        scans: those that may be named.

    Returns:
        By the position of a scan its points, int (k, 2): row and column.

    Raises:
        FileNotFoundError: if there is no such file.
        TypeError: if it is neither path nor table.
        TableError: if the table can't be read or lacks a column, names scans that aren't there or that share a name, or
            has points that are no pixels of their scan; the text counts all of these and names rows of each.
    """
    table, frame = _read_table(points)
    _require_columns(table, [str(name) for name in frame.columns])
    names = [as_text(name) or "" for name in frame["name"]]
    places = _places(frame)
    counted = Counter(scans.names.tolist())
    position_of = {name: position for position, name in enumerate(scans.names)}
    named = {position_of[name] for name in names if counted[name] == 1}
    shapes = {position: scans[position].read().shape for position in sorted(named)}

    def is_outside(row: int) -> bool:
        shape = shapes.get(position_of.get(names[row], -1))
        return shape is not None and bool(np.any(places[row] < 0) or np.any(places[row] >= shape))

    rows = range(len(names))
    known = ~np.isnan(places).any(axis=1)
    problems = {
        "no name": [row for row in rows if not names[row]],
        "a name of no scan that was explained": [row for row in rows if names[row] and not counted[names[row]]],
        "a name that several of the scans have": [row for row in rows if counted[names[row]] > 1],
        "no number for x or y": [row for row in rows if not known[row]],
        "a point outside of its scan": [row for row in rows if known[row] and is_outside(row)],
    }
    _refuse(table, problems, frame)
    found: dict[int, list[np.ndarray]] = {}
    for name, place in zip(names, places, strict=True):
        found.setdefault(position_of[name], []).append(place)
    return {position: np.floor(each).astype(np.int64) for position, each in sorted(found.items())}


def _read_table(points: Any) -> tuple[str, pd.DataFrame]:
    """Return what errors call the table, and its rows, each with its number as the index."""
    import pandas as pd

    if isinstance(points, pd.DataFrame):
        return "the table", points
    if not isinstance(points, str | Path):
        raise TypeError(
            f"points must be the path of a CSV file or a DataFrame with the columns name, x and y, got {points!r}."
        )
    path = Path(points)
    try:
        return path.name, read_csv(path, lambda name: name == "name")
    except UnicodeDecodeError as error:
        raise TableError(
            f"A table must be UTF-8 text, and {path} is not ({error.reason}).", "Save it as UTF-8."
        ) from None
    except (csv.Error, ValueError) as error:
        raise TableError(f"{path} can't be read as a table ({' '.join(str(error).split())}).", "Mend it.") from None


def _require_columns(table: str, columns: list[str]) -> None:
    wrong = [name for name in COLUMNS if columns.count(name) != 1]
    if wrong:
        raise TableError(
            f"A table of points must have one column each for name, x and y, and {table} has {', '.join(columns)}.",
            f"Rename or add: {', '.join(wrong)}.",
        )


def _places(frame: pd.DataFrame) -> np.ndarray:
    """Give float (n, 2), row and column; NaN for what is no number."""
    import pandas as pd

    read = [pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan) for name in ("y", "x")]
    places = np.stack(read, axis=1)
    return np.where(np.isfinite(places), places, np.nan)


def _refuse(table: str, problems: dict[str, list[int]], frame: pd.DataFrame) -> None:
    found = []
    for problem, rows in problems.items():
        if rows:
            shown = ", ".join(str(frame.index[row]) for row in rows[:SHOWN])
            more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
            first = ", ".join(f"{name} {frame[name].iloc[rows[0]]}" for name in COLUMNS)
            found.append(f"{problem} in {'row' if len(rows) == 1 else 'rows'} {shown}{more} ({first})")
    if found:
        raise TableError(
            "Every row of a table of points must name one scan that was explained, with x and y in pixels of it, and "
            f"{table} has {'; '.join(found)}.",
            "Mend the table, or leave these rows out.",
        )
