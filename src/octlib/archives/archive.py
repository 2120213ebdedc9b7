"""Archive: one archive as it was when somebody loaded scans from it."""

from __future__ import annotations

import errno
import os
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from octlib.archives.member import Index, Member, index_of
from octlib.archives.tars import decompressed, members_of_tar, read_of_tar
from octlib.archives.zips import members_of_zip, read_of_zip, require_named
from octlib.errors import LayoutError, MissingScanError, UnreadableScanError

Stamp = tuple[int, int]  # size in bytes, time of the last change in nanoseconds
CHANGED = "its archive has changed since it was loaded"

# By process, since a fork copies a lock in the state that it is in; filled at first use.
_locks: dict[int, threading.Lock] = {}


class Archive:
    """Reads the members of an archive, in any order and from any thread or process.

    Nothing is open between two reads, but for the temporary file of a compressed tar archive, which goes with the
    object. A pickled archive is its path and its stamp; a spawned process lists and decompresses it anew.

    Args:
        path: absolute.
        stamp: of the file that is meant.
    """

    def __init__(self, path: str, stamp: Stamp) -> None:
        self.path, self.stamp = Path(path), stamp
        self._index: Index | None = None
        self._unpacked: BinaryIO | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Archive, (str(self.path), self.stamp)

    @property
    def index(self) -> Index:
        """What is in it; listed, and decompressed if need be, at first use.

        Raises:
            LayoutError: if it can't be read.
        """
        if self._index is None:
            with _locks.setdefault(os.getpid(), threading.Lock()):
                if self._index is None:
                    self._index = self._listed()
        return self._index

    def member(self, name: str) -> Member:
        """Find a file.

        Raises:
            FileNotFoundError: if there is none of this name.
            IsADirectoryError: if it is a folder.
        """
        found = self.index.members.get(name)
        if found is not None:
            return found
        if name in self.index.folders:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), f"{self.path}/{name}")
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"{self.path}/{name}")

    def read(self, name: str) -> bytes:
        """Read a file.

        Raises:
            FileNotFoundError: if there is none of this name.
            IsADirectoryError: if it is a folder.
            ValueError: if it can't be read; the text says why, and names nothing.
            OSError: if the operating system fails.
        """
        member = self.member(name)
        if member.problem:
            raise ValueError(member.problem)
        with self._content() as file:
            try:
                return read_of_zip(file, member) if self._is_zip else read_of_tar(file, member)
            except (MemoryError, OSError):
                raise
            except Exception as error:  # whatever damage makes of the decoder
                raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error

    def misnamed(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Choose the files of a zip archive that bear another name where they lie, each with that reason.

        Whoever passes over a file because of its name wants to know: a name may be damaged, too.
        """
        wrong: list[tuple[str, str]] = []
        with self._content() as file:
            for name in names if self._is_zip else ():
                try:
                    require_named(file, self.member(name))
                except ValueError as error:
                    wrong.append((name, str(error)))
        return wrong

    def require_unchanged(self, path: Path) -> None:
        """Refuse to read from a file that isn't the one that was loaded.

        Args:
            path: of the scan, for the error.

        Raises:
            UnreadableScanError: if the archive has changed.
            MissingScanError: if it is gone.
        """
        try:
            stamp = stamp_of(self.path)
        except FileNotFoundError as error:
            raise MissingScanError(f"{path} can't be read: its archive is gone.", "Check the path.") from error
        if stamp != self.stamp:
            raise UnreadableScanError(f"{path} can't be read: {CHANGED}.", "Load it again.") from ValueError(CHANGED)

    @property
    def _is_zip(self) -> bool:
        return self.path.suffix.lower() == ".zip"

    def _listed(self) -> Index:
        try:
            if self.path.suffix.lower() in (".gz", ".tgz"):
                with self._opened() as packed:
                    self._unpacked = decompressed(packed, title=f"decompressing {self.path.name}")
                weakref.finalize(self, self._unpacked.close)
            with self._content() as file:
                return index_of(members_of_zip(file) if self._is_zip else members_of_tar(file))
        except (MemoryError, LayoutError):
            raise
        except Exception as error:  # whatever damage makes of the decoder
            if isinstance(error, OSError) and error.errno is not None:
                if error.errno != errno.ENOSPC:
                    raise
                raise LayoutError(
                    f"There is no room to decompress {self.path} ({error}).",
                    "Let TMPDIR name a folder on another disk, or unpack it and load the folder.",
                ) from error
            raise LayoutError(
                f"{self.path} can't be read as the archive that its name says it is "
                f"({' '.join(str(error).split()) or type(error).__name__}).",
                "Download or pack it again, or unpack it and load the folder.",
            ) from error

    @contextmanager
    def _content(self) -> Iterator[BinaryIO]:
        if self._unpacked is not None:
            yield self._unpacked
            return
        with self._opened() as file:
            yield file

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        # Opened for each read: threads and processes share no position in it, and nothing stays open.
        with self.path.open("rb") as file:
            if stamp_of(file.fileno()) != self.stamp:
                raise ValueError(CHANGED)
            yield file


def stamp_of(file: str | int | os.PathLike[str]) -> Stamp:
    """Give what tells whether a file has changed.

    Raises:
        OSError: if there is none.
    """
    status = os.stat(file)  # noqa: PTH116 - of an open file too
    return status.st_size, status.st_mtime_ns
