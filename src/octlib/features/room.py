"""Room: the files of the store, and the limit that they keep, least recently used first."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from octlib._cache import cache_limit
from octlib.features.shards import NAME, PART_NAME, mapped

ABANDONED = 86_400.0  # seconds after which half a shard belongs to no living process


@dataclass(frozen=True)
class StoredFile:
    """A file that the store has written, known by its name.

    Args:
        path: where it lies.
        bytes: its size.
        last_used: when its rows were last asked for, in seconds since 1970.
    """

    path: Path
    bytes: int
    last_used: float

    @property
    def whole(self) -> bool:
        """Whether it is a shard, not one that is, or was, being written."""
        return NAME.fullmatch(self.path.name) is not None

    @property
    def abandoned(self) -> bool:
        """Whether it was left behind by a process that was killed."""
        return not self.whole and time.time() - self.last_used > ABANDONED

    @property
    def removable(self) -> bool:
        """Whether it may make room: nobody writes it, and this process doesn't read it."""
        return self.abandoned or (self.whole and self.path not in mapped)


def stored_files(root: Path) -> list[StoredFile]:
    """List what the store has written; whatever else lies there is left alone.

    Args:
        root: of the store: a folder for each backbone, and in it its shards.

    Returns:
        The files, least recently used first.
    """
    files = [file for folder in _entries(root) if folder.is_dir(follow_symlinks=False) for file in files_in(folder)]
    return sorted(files, key=lambda file: file.last_used)


def files_in(folder: str | Path | os.DirEntry[str]) -> list[StoredFile]:
    """List what the store has written into the folder of one backbone."""
    found = []
    for entry in _entries(folder):
        if NAME.fullmatch(entry.name) or PART_NAME.fullmatch(entry.name):
            with suppress(OSError):  # gone by now
                if entry.is_file(follow_symlinks=False):
                    found.append(StoredFile(Path(entry.path), entry.stat().st_size, entry.stat().st_mtime))
    return found


def mark_used(file: Path) -> None:
    """Note, in the time at which a file was changed, that it is being used."""
    with suppress(OSError):  # gone by now, or closed to this user
        os.utime(file)


def remove(file: Path) -> bool:
    """Remove a file; say whether it is gone."""
    try:
        file.unlink(missing_ok=True)  # Another process may be faster.
    except OSError:  # closed to this user, or in use on Windows
        return False
    return True


def make_room(root: Path, needed: int = 0) -> bool:
    """Remove the least recently used shards until the limit is kept.

    Args:
        root: of the store.
        needed: bytes that are to come.

    Returns:
        Whether the limit is kept then. What this process has mapped is never removed; what others have mapped stays
        readable to them on Linux and macOS, and can't be removed on Windows.
    """
    files = stored_files(root)
    excess = sum(file.bytes for file in files) + needed - cache_limit()
    # What can't be made to fit costs nobody else's features.
    fits = excess <= sum(file.bytes for file in files if file.abandoned or file.removable)
    for file in files:
        if (file.abandoned or (fits and excess > 0 and file.removable)) and remove(file.path):
            excess -= file.bytes
    return excess <= 0


def _entries(folder: str | Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # there is none, or it is closed to this user
        return []
