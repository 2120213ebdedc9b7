"""Unpacking: images alone come out of an archive, all of them or none, and none outside of the folder."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from octlib.data import unpacking
from octlib.data.unpacking import unpack_images


def archive_of(folder: Path, *members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "archive.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_images_come_out_and_nothing_else(tmp_path):
    archive = archive_of(
        tmp_path, ("a/1.JPEG", b"one"), ("a/._1.jpeg", b"junk"), ("a/run.sh", b"code"), ("chest_xray/1.png", b"lung")
    )
    unpack_images(archive, tmp_path / "scans")
    assert files(tmp_path) == ["archive.zip", "scans/a/1.JPEG"]
    assert (tmp_path / "scans" / "a" / "1.JPEG").read_bytes() == b"one"


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


@pytest.mark.parametrize(
    ("member", "why"),
    [
        ("../b.png", "outside"),
        ("a/../../b.png", "outside"),
        ("/b.png", "outside"),
        ("C:/b.png", "outside"),
        ("..\\b.png", "outside"),
        (link("b.png"), "is a link"),
    ],
)
def test_hostile_members(tmp_path, member, why):
    archive = archive_of(tmp_path, ("a.png", b"one"), (member, b"/etc/passwd"))
    with pytest.raises(zipfile.BadZipFile, match=why):
        unpack_images(archive, tmp_path / "in" / "scans")
    assert files(tmp_path) == ["archive.zip"]


def test_a_bomb(tmp_path):
    archive = archive_of(tmp_path, ("a.png", bytes(10**6)), method=zipfile.ZIP_DEFLATED)
    with pytest.raises(zipfile.BadZipFile, match=r"would fill 0\.0 GB, more than 4 times its own size"):
        unpack_images(archive, tmp_path / "scans")
    assert files(tmp_path) == ["archive.zip"]


def test_no_room(tmp_path, monkeypatch):
    archive = archive_of(tmp_path, ("a.png", b"one"))
    usage = unpacking.shutil.disk_usage(tmp_path)._replace(free=2)
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match="to unpack it"):
        unpack_images(archive, tmp_path / "scans")
    assert files(tmp_path) == ["archive.zip"]


def damaged(archive: Path, old: bytes, new: bytes) -> None:
    content = archive.read_bytes()
    assert old in content
    archive.write_bytes(content.replace(old, new))


@pytest.mark.parametrize(
    ("fault", "why"), [("content", "CRC"), ("cut", "not a zip file"), ("encrypted", "encrypted"), ("twice", "one name")]
)
def test_a_damaged_archive_leaves_nothing(tmp_path, fault, why):
    members = [("a.png", b"content of a"), ("b.png", b"content of b")]
    if fault == "twice":
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive = archive_of(tmp_path, *members, members[0])
    else:
        archive = archive_of(tmp_path, *members)
    if fault == "content":
        damaged(archive, b"content of b", b"content of c")
    if fault == "cut":
        archive.write_bytes(archive.read_bytes()[:-30])
    if fault == "encrypted":
        damaged(archive, b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00")
        damaged(archive, b"PK\x03\x04\x14\x00\x00\x00", b"PK\x03\x04\x14\x00\x01\x00")
    with pytest.raises(zipfile.BadZipFile, match=why):
        unpack_images(archive, tmp_path / "scans")
    assert files(tmp_path) == ["archive.zip"]
