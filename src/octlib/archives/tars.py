"""Tars: the members of a tar archive; one that is compressed is decompressed once, since nobody can jump in it."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from typing import BinaryIO

from octlib._progress import progress_of_bytes
from octlib.archives.member import Member, is_bomb, require_whole

CHUNK = 2**22
ROOM = 2**30  # bytes that stay free on the disk

_lock = threading.Lock()


def members_of_tar(file: BinaryIO) -> Iterator[tuple[str, Member, str]]:
    """List the members of a tar archive.

    Args:
        file: the archive, not compressed.

    Yields:
        Name, member and kind, empty for a file; folders are left out.

    Raises:
        tarfile.ReadError: if it is none.
        ValueError: if it is damaged or cut off.
    """
    last = -1
    with tarfile.open(fileobj=file, mode="r:") as archive:
        while (info := archive.next()) is not None:
            # Sizes may be stated as less than nothing, so that who follows them never comes to an end.
            if info.size < 0 or info.offset_data <= last:
                raise ValueError(f"the member {info.name!r} has an impossible size")
            last = info.offset_data
            archive.members = []  # type: ignore[attr-defined]  # it would keep them all
            if not info.isdir():
                yield info.name, Member(info.offset_data, info.size), _kind(info)
        # The standard library takes a damaged header for the end, and so does it the end of the file.
        file.seek(archive.offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise ValueError("it is damaged or cut off: there is no mark at its end")


def read_of_tar(file: BinaryIO, member: Member) -> bytes:
    """Read a member of an archive that isn't compressed; several threads and processes may share the file.

    Raises:
        ValueError: if it is cut off.
    """
    return require_whole(_read_at(file, member.offset, member.size), member.size)


def decompressed(file: BinaryIO, title: str = "decompressing") -> BinaryIO:
    """Decompress a file into a temporary one without a name, which goes when it is closed.

    Args:
        file: in the format of gzip.
        title: what stands before the progress bar.

    Returns:
        The temporary file, in the system's folder for them, which ``TMPDIR`` names.

    Raises:
        ValueError: if it is damaged, or grows as no images do.
        OSError: if there is no room.
    """
    packed, size = os.fstat(file.fileno()).st_size, 0
    target: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who keeps it
    try:
        with gzip.GzipFile(fileobj=file) as source:
            chunks = iter(lambda: source.read(CHUNK), b"")
            for chunk in progress_of_bytes(chunks, done=0, total=None, title=title):
                size += len(chunk)
                if is_bomb(packed, size):
                    raise ValueError(f"its {packed:,} bytes become more than {size:,}, as no images do")
                if size > ROOM // 16:
                    _require_room()
                target.write(chunk)
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return target


def _kind(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return "a link"
    if info.issparse():
        return "a file with holes"
    return "" if info.isreg() else "a device"


def _require_room() -> None:
    folder = tempfile.gettempdir()
    if shutil.disk_usage(folder).free < ROOM:
        raise OSError(errno.ENOSPC, f"less than {ROOM:,} bytes would stay free on the disk", folder)


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    if not hasattr(os, "pread"):  # Windows, where no process inherits the file
        with _lock:
            file.seek(offset)
            return file.read(size)
    parts, left = [], size
    while left and (part := os.pread(file.fileno(), min(left, ROOM), offset + size - left)):  # 2 GB at most at a time
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
