"""Opening: files by their paths, whether they lie in a folder or in an archive."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

from octlib.archives.known import locate
from octlib.errors import LayoutError, UnreadableScanError


def open_binary(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading.

    Args:
        path: of a file, or through an archive of a file in it: ``OCT2017.zip/train/CNV/1.jpeg``.

    Returns:
        The open file; that of an archive is in memory.

    Raises:
        UnreadableScanError: if a member of an archive is damaged, encrypted or otherwise not to be read.
        LayoutError: if the archive can't be read.
        OSError: as ``open``.
    """
    place = locate(path)
    if place is None:
        return Path(path).open("rb")
    try:
        return io.BytesIO(place.archive.read(place.member))
    except LayoutError:  # of the archive as a whole
        raise
    except ValueError as error:
        raise UnreadableScanError(
            f"{path} can't be read out of its archive ({error}).", "Unpack the archive, or download or pack it again."
        ) from error


def open_text(path: str | os.PathLike[str], *, errors: str | None = None, newline: str | None = None) -> io.TextIOBase:
    """Open a text in UTF-8, with or without a mark at its beginning.

    Args:
        path: as ``open_binary`` takes it.
        errors: as for ``open``.
        newline: as for ``open``.

    Raises:
        UnreadableScanError: as ``open_binary``.
        OSError: as ``open``.
    """
    return io.TextIOWrapper(open_binary(path), encoding="utf-8-sig", errors=errors, newline=newline)


def size_of(path: str | os.PathLike[str]) -> int:
    """Give the size of a file in bytes.

    Raises:
        FileNotFoundError: if there is none.
        IsADirectoryError: if it is no file, but a folder, a pipe or a device.
        OSError: if the operating system says nothing of it.
    """
    place = locate(path)
    if place is not None:
        return place.archive.member(place.member).size
    status = Path(path).stat()
    if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for somebody who writes
        raise IsADirectoryError(errno.EISDIR, "Not a file", str(path))
    return status.st_size


def is_file(path: str | os.PathLike[str]) -> bool:
    """Say whether there is a file, also inside of an archive."""
    place = locate(path)
    return os.path.isfile(path) if place is None else place.member in place.archive.index.members  # noqa: PTH113


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Say whether there is a folder; an archive is one, and has some inside."""
    place = locate(path)
    return os.path.isdir(path) if place is None else place.member in place.archive.index.folders  # noqa: PTH112


def exists(path: str | os.PathLike[str]) -> bool:
    """Say whether there is a file or folder, also inside of an archive."""
    return is_file(path) or is_folder(path) or os.path.exists(path)  # noqa: PTH110 - pipes and devices
