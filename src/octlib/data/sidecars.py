"""Sidecars: tables that lie beside images and say more of them than their names and folders do."""

from __future__ import annotations

import csv
import json
import posixpath
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from octlib.archives import is_file, open_text
from octlib.data.columns import as_column
from octlib.data.csv_files import FIRST_LINE, read_csv, read_names
from octlib.errors import LayoutError, LayoutWarning

if TYPE_CHECKING:
    import pandas as pd

# What names something is text though it looks like a number: patient 007 isn't patient 7.
TEXTS = frozenset({"file_name", "patient", "patient_id", "volume"})
OF_A_DATASET = ("name", "path", "label", "patient", "split")  # columns that can't mean anything else there


class Described(NamedTuple):
    """What a table says of images.

    Attributes:
        rows: a row for each image, in their order; NaN throughout where the table has none.
        warnings: of images without a row and of rows without an image, with their numbers.
    """

    rows: pd.DataFrame
    warnings: tuple[LayoutWarning, ...]


def find_beside(folder: Path, name: str, above: int) -> Path | None:
    """Find a file by its name in a folder, or in one of the next ones above it."""
    folder = folder.absolute()
    files = (each / name for each in (folder, *folder.parents[:above]))
    return next((file for file in files if is_file(file)), None)


def read_header(path: Path) -> list[str]:
    """Read the names of the columns of a ``.csv`` or ``.jsonl`` file; none where it is neither."""
    try:
        if path.suffix.lower() == ".csv":
            return [name.strip() for name in read_names(path, errors="replace")[0]]
        with open_text(path, errors="replace") as file:
            row = json.loads(file.readline(FIRST_LINE))
    except (csv.Error, ValueError, RecursionError):
        return []
    return [str(name).strip() for name in row] if isinstance(row, dict) else []


def read_sidecar(path: Path, required: Collection[str]) -> pd.DataFrame:
    """Read a table.

    Args:
        path: a ``.csv`` file, or a ``.jsonl`` file with an object in each line.
        required: columns that it must have.

    Returns:
        Its rows; numbers are numbers, but for what names files, patients and volumes.

    Raises:
        LayoutError: if it can't be read, lacks a column, or has one twice.
    """
    try:
        frame = read_csv(path, _is_text) if path.suffix.lower() == ".csv" else _read_lines(path)
    except (csv.Error, ValueError, RecursionError) as error:
        raise LayoutError(
            f"{path} must be a table in UTF-8, and can't be read: {error}.", "Repair it, or move it out of the folder."
        ) from error
    frame.columns = [str(name).strip() for name in frame.columns]
    missing = [name for name in required if name not in frame]
    if missing:
        raise LayoutError(
            f"{path} must have the columns {', '.join(required)}, and it has {', '.join(frame.columns) or 'none'}.",
            "Repair it, or move it out of the folder.",
        )
    lower = [name.lower() for name in frame.columns]
    repeated = sorted({name for name in lower if lower.count(name) > 1})
    if repeated:
        raise LayoutError(f"The columns of {path} must differ, and {', '.join(repeated)} is there more than once.")
    return frame


def describe(path: Path, table: pd.DataFrame, keys: Sequence[str | None], images: Sequence[str]) -> Described:
    """Find the row of each image.

    Args:
        path: of the table.
        table: its rows.
        keys: what each row names its image; ``None`` for none.
        images: the same names of the images; several may have one row.

    Returns:
        The rows, and what is missing on either side.

    Raises:
        LayoutError: if rows that differ name one image.
    """
    place: dict[str | None, int] = {key: row for row, key in enumerate(keys) if key is not None}
    if len(place) < len(keys) - list(keys).count(None):
        _require_equal(path, table, keys)
    found = [place.get(image, -1) for image in images]  # -1 is no row of the table, so that it comes as NaN
    bare = [image for image, row in zip(images, found, strict=True) if row < 0]
    used = {keys[row] for row in found if row >= 0}
    unused = [str(key) for key in keys if key not in used]
    texts = []
    if bare:
        texts.append(f"{len(bare):,} of {len(images):,} images have no row in {path}, such as {bare[0]}.")
    if unused:
        texts.append(f"{len(unused):,} of {len(keys):,} rows in {path} have no image, such as {unused[0]}.")
    remarks = tuple(LayoutWarning(text, "See whether the download is complete.") for text in texts)
    return Described(table.reset_index(drop=True).reindex(found), remarks)


def plain_name(name: object) -> str | None:
    r"""Bring a path to the form in which two of them can be compared.

    Args:
        name: as a table writes it, or as the disk does.

    Returns:
        With forward slashes and composed accents; ``None`` for what is no text.

    Example:
        >>> plain_name(".\\train\\a.png")
        'train/a.png'
    """
    if not isinstance(name, str) or not name.strip():
        return None
    return unicodedata.normalize("NFC", posixpath.normpath(name.replace("\\", "/")))


def columns_of(rows: pd.DataFrame, but: Collection[str]) -> dict[str, NDArray[Any]]:
    """Give the columns that stay with the scans.

    Args:
        rows: a row for each scan.
        but: those that have been made use of.

    Returns:
        By name; one that means something else in a dataset, such as path, has ``table_`` before it.
    """
    kept = {name: rows[name] for name in rows.columns if name not in but}
    return {
        f"table_{name}" if name.lower() in OF_A_DATASET else name: as_column(column) for name, column in kept.items()
    }


def _is_text(name: str) -> bool:
    return name.strip().lower() in TEXTS


def _read_lines(path: Path) -> pd.DataFrame:
    import pandas as pd

    rows = []
    with open_text(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no object")
            rows.append(row)
    return pd.DataFrame(rows)


def _require_equal(path: Path, table: pd.DataFrame, keys: Sequence[str | None]) -> None:
    texts = table.astype(str).assign(**{"": np.asarray(keys, dtype=object)}).dropna(subset="")
    torn = texts.drop_duplicates()[""].value_counts()
    torn = torn[torn > 1]
    if len(torn):
        raise LayoutError(
            f"{path} must have one row for each image, and {len(torn):,} images have several, such as "
            f"{min(torn.index)}.",
            "Remove those that are wrong.",
        )
