"""Inventory: which data sets have been downloaded, how large they are, and how to remove them."""

from __future__ import annotations

import shutil
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from octlib._cache import datasets_folder
from octlib.data.published import PUBLISHED
from octlib.errors import KeptWarning

LOCK = ".lock"  # in the folder of a data set: held by the process that downloads it, or removes it


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
    return tuple(DownloadedDataset(name, folder, _size(folder)) for name, folder in folders if _contents(folder))


def remove_downloaded_datasets() -> int:
    """Remove all data sets that were downloaded by their names; they are downloaded again when they are loaded.

    One that is being downloaded, and one whose folder is a link to another place, stays, and a warning says so. The
    empty file that locks a folder stays as well: another process may be waiting for it.

    Returns:
        How many bytes were removed.

    Raises:
        OSError: if a file can't be removed.

    Example:
        >>> remove_downloaded_datasets()
        0
    """
    return sum(each.bytes for each in downloaded_datasets() if _is_removed(each))


def _is_removed(dataset: DownloadedDataset) -> bool:
    folder = dataset.path
    if folder.is_symlink():
        _say_kept(
            dataset, f"{folder} is a link to {folder.resolve()}", "Remove the link, and what it leads to, yourself."
        )
        return False
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _say_kept(dataset, "another process is downloading it", "Try again when that has ended.")
        return False
    except NotImplementedError:  # a file system without locks
        pass
    try:
        for path in _contents(folder):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    finally:
        lock.release()
    return True


def _say_kept(dataset: DownloadedDataset, why: str, advice: str) -> None:
    warnings.warn(KeptWarning(f"The data set {dataset.name} was not removed: {why}.", advice), stacklevel=5)


def _contents(folder: Path) -> list[Path]:
    """List what lies in the folder of a data set; of none, and where only a lock is left, nothing."""
    return [path for path in folder.iterdir() if path.name != LOCK] if folder.is_dir() else []


def _size(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a download that goes on moves its files
            size += 0 if path.is_dir() else path.lstat().st_size
    return size
