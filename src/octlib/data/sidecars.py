"""Sidecars: tables that lie beside images and say more of them than their names and folders do."""

from __future__ import annotations

import csv
import json
import posixpath
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from octlib.archives import is_file, open_text
from octlib.data import csv_files
from octlib.data.columns import as_column, is_missing, objects
from octlib.errors import LayoutError, LayoutWarning

if TYPE_CHECKING:
    import pandas as pd

# What names something is text though it looks like a number: patient 007 isn't patient 7.
TEXTS = frozenset({"file_name", "label", "patient", "patient_id", "volume"})
LONGEST_LINE = 1 << 24  # characters
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
    """Read the names of the columns of a ``.csv`` file, or those in the first line of a ``.jsonl`` file.

    Raises:
        LayoutError: if the file is empty or damaged.
    """
    try:
        table = path.suffix.lower() == ".csv"
        names = csv_files.read_header(path).names if table else list(next(_objects(path), {}))
        if not names:
            raise ValueError("it is empty")
    except (csv.Error, ValueError) as error:
        raise _damaged(path, error) from error
    return [name.strip() for name in names]


def read_sidecar(path: Path, required: Collection[str]) -> pd.DataFrame:
    """Read a table.

    Args:
        path: a ``.csv`` file, or a ``.jsonl`` file with an object in each line.
        required: columns that it must have.

    Returns:
        Its rows; numbers are numbers, but for what names files, patients and volumes, and labels of a ``.csv`` file.

    Raises:
        LayoutError: if it can't be read, lacks a column, or has one twice.
    """
    try:
        frame = csv_files.read_csv(path, _is_text) if path.suffix.lower() == ".csv" else _read_lines(path)
    except (csv.Error, ValueError) as error:
        raise _damaged(path, error) from error
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

    frame = pd.DataFrame(list(_objects(path)), dtype=object)
    for name in frame:
        plain = str(name).strip().lower()
        if plain == "label":  # whose numbers are no texts here
            continue
        identifies = plain in TEXTS
        frame[name] = objects([*map(_as_text, frame[name])]) if identifies else frame[name].infer_objects()
    return frame


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    with open_text(path, errors="surrogateescape") as file:
        number = 0
        # A line that is longer than any row is damaged, and needn't be held in memory.
        while line := file.readline(LONGEST_LINE):
            number += 1
            if not line.strip():
                continue
            try:
                line.encode()
                row = json.loads(line)
            except UnicodeEncodeError:
                raise ValueError(f"line {number:,} is no UTF-8") from None
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number:,} is no JSON ({error.msg}, at character {error.colno:,})") from None
            except (ValueError, RecursionError) as error:
                raise ValueError(f"line {number:,} is no JSON ({error})") from None
            if not isinstance(row, dict):
                raise ValueError(f"line {number:,} is no object")
            yield row


def _as_text(value: object) -> str | None:
    """Write what identifies something as text; a float, which holds no large number, as the whole number that it is."""
    if is_missing(value):
        return None
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _damaged(path: Path, reason: object) -> LayoutError:
    return LayoutError(
        f"{path} must be a table in UTF-8, and can't be read: {' '.join(str(reason).split())}.",
        "Repair it, or move it out of the folder.",
    )


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
