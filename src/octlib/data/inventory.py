"""Inventory: which data sets have been downloaded, how large they are, and how to remove them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from octlib._cache import datasets_folder
from octlib.data.published import PUBLISHED


@dataclass(frozen=True)
class DownloadedDataset:
    """A data set in octlib's cache folder, or as much of it as has come.

    Args:
        name: by which ``load_oct_dataset`` loads it.
        path: its folder.
        bytes: size on disk.
    """

    name: str
    path: Path
    bytes: int


def downloaded_datasets() -> tuple[DownloadedDataset, ...]:
    """List the data sets that were downloaded by their names.

    Returns:
        One entry for each, parts of downloads that broke off among them.

    Example:
        >>> downloaded_datasets()
        ()
    """
    folders = ((name, datasets_folder() / name) for name in PUBLISHED)
    return tuple(DownloadedDataset(name, folder, _size(folder)) for name, folder in folders if folder.is_dir())


def remove_downloaded_datasets() -> int:
    """Remove all data sets that were downloaded by their names; they are downloaded again when they are loaded.

    Returns:
        How many bytes were removed.

    Raises:
        OSError: if a file can't be removed.

    Example:
        >>> remove_downloaded_datasets()
        0
    """
    found = downloaded_datasets()
    for each in found:
        shutil.rmtree(each.path)
    return sum(each.bytes for each in found)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
