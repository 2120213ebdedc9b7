"""Unread tables: those that lie beside images, list them as it seems, and were no part of a layout."""

from __future__ import annotations

import csv
from contextlib import suppress
from pathlib import Path

from octlib.data.csv_files import read_header
from octlib.data.table_columns import names_paths
from octlib.data.tree import Folder
from octlib.errors import LayoutError, LayoutWarning


def unread_tables(*folders: Folder) -> tuple[LayoutWarning, ...]:
    """Warn of tables that were passed over, although they may say the labels or patients of the images.

    Args:
        folders: where they may lie.

    Returns:
        One warning for all CSV files that have a column of paths.
    """
    tables = (folder.path / name for folder in folders for name in folder.tables if name.lower().endswith(".csv"))
    paths = dict.fromkeys(tables)
    found = [str(path) for path in paths if _lists_files(path)]
    if not found:
        return ()
    return (
        LayoutWarning(
            f"A table that seems to list images was not read: {', '.join(found)}.",
            "Load it in place of the folder, if it says more of them.",
        ),
    )


def _lists_files(path: Path) -> bool:
    with suppress(OSError, LayoutError, ValueError, csv.Error):
        return any(map(names_paths, read_header(path, errors="replace").names))
    return False
