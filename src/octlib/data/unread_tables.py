"""Unread tables: those that lie beside images, list them as it seems, and were no part of a layout."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from octlib.data.sidecars import read_header
from octlib.data.table_columns import find_columns
from octlib.data.tree import Folder
from octlib.errors import LayoutError, LayoutWarning


def unread_tables(*folders: Folder) -> tuple[LayoutWarning, ...]:
    """Warn of tables that were passed over, although they may say the labels or patients of the images.

    Args:
        folders: where they may lie.

    Returns:
        One warning for all CSV files that have a column of paths.
    """
    paths = dict.fromkeys(folder.path / name for folder in folders for name in folder.tables if name.endswith(".csv"))
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
    with suppress(OSError, LayoutError):
        names = read_header(path)
        return "path" in names or "path" in find_columns(names, {}).values()
    return False
