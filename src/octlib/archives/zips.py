"""Zips: the members of a zip archive, each of which can be read by itself."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from octlib.archives.member import Member, is_bomb, require_whole
from octlib.archives.names import is_link

HEADER = struct.Struct("<4s22xHH")  # of a member: signature, what the directory says too, lengths of name and extras
ENCRYPTED, UTF_8 = 0x1 | 0x40, 0x800  # flags


def members_of_zip(file: BinaryIO) -> Iterator[tuple[str, Member, str]]:
    """List the members of a zip archive without reading them.

    Args:
        file: the archive.

    Yields:
        Name, member and kind, empty for a file; folders are left out.

    Raises:
        zipfile.BadZipFile: if it is none, or damaged.
    """
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.filename.endswith("/"):
                continue
            name = info.orig_filename.encode("utf-8" if info.flag_bits & UTF_8 else "cp437")
            member = Member(info.header_offset, info.file_size, info.compress_size, info.compress_type, info.CRC, name)
            yield info.orig_filename, member._replace(problem=_problem(info)), _kind(info)


def read_of_zip(file: BinaryIO, member: Member) -> bytes:
    """Read a member.

    Args:
        file: the archive, open for this caller alone.
        member: which one.

    Returns:
        Its content, whose size and checksum are as stated.

    Raises:
        ValueError: if it is damaged.
        zlib.error: likewise.
    """
    if member.offset + HEADER.size + member.packed > file.seek(0, 2):
        raise ValueError("it would end behind the archive")
    extras = require_named(file, member)
    file.seek(extras, 1)
    packed = require_whole(file.read(member.packed), member.packed)
    if member.method == zipfile.ZIP_STORED:
        return require_whole(packed, member.size, member.crc)
    # Never more than a byte above what is stated, whatever is packed there.
    content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, member.size + 1)
    return require_whole(content, member.size, member.crc)


def require_named(file: BinaryIO, member: Member) -> int:
    """Refuse a member whose name at its own place is another one than in the directory at the archive's end.

    Args:
        file: the archive; it is left behind the name.
        member: which one.

    Returns:
        The length of what stands between the name and the content.

    Raises:
        ValueError: if the names differ.
    """
    file.seek(member.offset)
    header = file.read(HEADER.size).ljust(HEADER.size, b"\0")
    signature, name, extras = HEADER.unpack(header)
    if signature != b"PK\3\4" or file.read(name) != member.name:
        raise ValueError("it isn't where the archive says")
    return int(extras)


def _problem(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & ENCRYPTED:
        return "it is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"it is packed by a method other than deflate, number {info.compress_type}"
    if is_bomb(info.compress_size, info.file_size):
        return f"its {info.compress_size:,} bytes would become {info.file_size:,}, as no image does"
    return ""


def _kind(info: zipfile.ZipInfo) -> str:
    if is_link(info):
        return "a link"
    kind = stat.S_IFMT(info.external_attr >> 16)
    return "" if kind in (0, stat.S_IFREG) else "a device"
