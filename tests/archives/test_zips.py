"""Zips: what a zip archive says of its members is never believed further than its bytes go."""

from __future__ import annotations

import io
import stat
import struct
import zipfile

import pytest

from octlib.archives.member import Member
from octlib.archives.zips import members_of_zip, read_of_zip

IMAGE = b"scan" * 1000


def zipped(content: bytes = IMAGE, method: int = zipfile.ZIP_DEFLATED, name: str | zipfile.ZipInfo = "a.png") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def members(content: bytes) -> list[tuple[str, Member, str]]:
    return list(members_of_zip(io.BytesIO(content)))


def stated(content: bytes, *, size: int | None = None, packed: int | None = None, flags: int = 0) -> bytes:
    """Change what the directory of an archive with one member says of it."""
    start = content.index(b"PK\1\2")
    fields = list(struct.unpack_from("<HHHHHHLLL", content, start + 4))
    fields[2] |= flags
    fields[7] = fields[7] if packed is None else packed
    fields[8] = fields[8] if size is None else size
    changed = bytearray(content)
    struct.pack_into("<HHHHHHLLL", changed, start + 4, *fields)
    return bytes(changed)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("before", [b"", b"#!/bin/sh of an archive that unpacks itself\n"])
def test_members_are_read(method: int, before: bytes) -> None:
    content = before + zipped(method=method)
    ((name, member, kind),) = members(content)
    assert (name, kind, member.problem) == ("a.png", "", "")
    assert read_of_zip(io.BytesIO(content), member) == IMAGE


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"size": 100}, "more bytes than the 100 stated"),
        ({"size": 10**6}, "fewer bytes than the 1,000,000 stated"),
        ({"packed": 2**32 - 2}, "would end behind the archive"),
        ({"packed": 3}, "fewer bytes"),
    ],
)
def test_lies_are_found(changes: dict[str, int], why: str) -> None:
    content = stated(zipped(), **changes)
    ((_, member, _),) = members(content)
    with pytest.raises(ValueError, match=why):
        read_of_zip(io.BytesIO(content), member)


def test_members_that_are_not_read() -> None:
    link = zipfile.ZipInfo("a.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    device = zipfile.ZipInfo("a.png")
    device.external_attr = (stat.S_IFCHR | 0o777) << 16
    assert [members(zipped(name=each))[0][2] for each in (link, device)] == ["a link", "a device"]
    bad = [stated(zipped(), flags=1), zipped(method=zipfile.ZIP_LZMA), zipped(bytes(2**27))]
    problems = [members(each)[0][1].problem for each in bad]
    assert problems[:2] == ["it is encrypted", "it is packed by a method other than deflate, number 14"]
    assert problems[2].endswith("would become 134,217,728, as no image does")


def test_a_member_that_has_two_names_is_not_read() -> None:
    content = zipped()
    first = content.index(b"a.png")
    changed = content[:first] + b"b.png" + content[first + 5 :]
    ((name, member, _),) = members(changed)
    with pytest.raises(ValueError, match="isn't where the archive says"):
        read_of_zip(io.BytesIO(changed), member)
    assert name == "a.png"
