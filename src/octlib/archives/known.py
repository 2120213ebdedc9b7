"""Known: the archives that are in use, found by the paths of files inside of them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import PurePosixPath
from typing import NamedTuple
from weakref import WeakValueDictionary

from octlib.archives.archive import Archive, Stamp
from octlib.archives.names import SUFFIXES

_END = re.compile(rf"(?:{'|'.join(map(re.escape, SUFFIXES))})(?=[/\\]|$)", re.IGNORECASE)
_known: WeakValueDictionary[tuple[str, Stamp], Archive] = WeakValueDictionary()
_kept: ContextVar[dict[str, Archive] | None] = ContextVar("kept", default=None)


class Located(NamedTuple):
    """Where a path leads.

    Attributes:
        archive: the archive that it goes through.
        member: the path inside, with forward slashes; empty for the archive itself.
    """

    archive: Archive
    member: str


def locate(path: str | os.PathLike[str]) -> Located | None:
    """Find the archive that a path goes through or is; ``None`` for all other paths.

    Args:
        path: such as ``OCT2017.zip/train/CNV/1.jpeg``. A folder named so is a folder.

    Raises:
        OSError: if the operating system says nothing of the archive.
    """
    text = os.fspath(path)
    for found in _END.finditer(text):
        name = text[: found.end()]
        try:
            status = os.stat(name)  # noqa: PTH116 - faster than by a Path, and asked for every scan
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        if stat.S_ISREG(status.st_mode):
            inside = PurePosixPath(text[found.end() :].replace(os.sep, "/").lstrip("/")).as_posix()
            return Located(_archive(name, (status.st_size, status.st_mtime_ns)), "" if inside == "." else inside)
    return None


@contextmanager
def archives_kept() -> Iterator[dict[str, Archive]]:
    """Keep the archives that are located in this block, so that each is listed once.

    Yields:
        They, by their paths as they were written, filled as they are found.
    """
    kept: dict[str, Archive] = {}
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)


def _archive(name: str, stamp: Stamp) -> Archive:
    key = (os.path.abspath(name), stamp)  # noqa: PTH100 - as above
    archive = _known.get(key)
    if archive is None:
        archive = _known.setdefault(key, Archive(*key))
    kept = _kept.get()
    if kept is not None:
        kept[name] = archive
    return archive
