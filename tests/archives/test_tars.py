"""Tars: the end of an archive that isn't its end is found, and no member has an impossible size."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from pathlib import Path

import pytest

from octlib.archives import tars
from octlib.archives.tars import decompressed, members_of_tar, read_of_tar

Entry = tuple[str, bytes]


def tarred(*names: str, kind: bytes = tarfile.REGTYPE, form: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size, info.type = (600 if kind == tarfile.REGTYPE else 0), kind
            archive.addfile(info, io.BytesIO(name.encode("utf-8", "surrogateescape").ljust(600)))
    return file.getvalue()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_read(tmp_path: Path, form: int) -> None:
    names = ["a/1.png", f"{'b' * 90}/{'2' * 90}.png", "Größe 眼.png"]
    (tmp_path / "a.tar").write_bytes(tarred(*names, form=form))
    with (tmp_path / "a.tar").open("rb") as file:
        found = list(members_of_tar(file))
        assert [name for name, *_ in found] == names
        assert [read_of_tar(file, member).decode().rstrip() for _, member, _ in found] == names


def test_what_is_cut_off_or_damaged_between_members_is_no_end() -> None:
    content = tarred("1.png", "2.png", "3.png")
    second = content.index(b"2.png")
    damaged = content[: second + 200] + b"\xff" + content[second + 201 :]
    for wrong in (content[:second], content[: second + 100], content[: second + 600], damaged):
        with pytest.raises((ValueError, tarfile.ReadError), match="cut off|unexpected end"):
            list(members_of_tar(io.BytesIO(wrong)))


def test_sizes_below_nothing_come_to_an_end() -> None:
    content = bytearray(tarred("1.png", form=tarfile.GNU_FORMAT))
    content[124:136] = (-1024).to_bytes(12, "big", signed=True)  # as GNU writes large numbers
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    with pytest.raises((ValueError, tarfile.ReadError)):
        list(members_of_tar(io.BytesIO(bytes(content))))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.FIFOTYPE, "a device"),
    ],
)
def test_kinds(kind: bytes, name: str) -> None:
    assert [kind for *_, kind in members_of_tar(io.BytesIO(tarred("a.png", kind=kind)))] == [name]


def test_folders_are_left_out() -> None:
    assert list(members_of_tar(io.BytesIO(tarred("a", kind=tarfile.DIRTYPE)))) == []


def test_a_bomb_stops_before_it_has_gone_off(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.tar.gz", "wb", compresslevel=1) as file:
        for _ in range(30):
            file.write(bytes(2**22))
    with (tmp_path / "a.tar.gz").open("rb") as file, pytest.raises(ValueError, match="as no images do"):
        decompressed(file)


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(tarred("a.png")))
    usage = shutil.disk_usage(tmp_path)._replace(free=2)
    monkeypatch.setattr(tars.shutil, "disk_usage", lambda path: usage)
    with (tmp_path / "a.tar.gz").open("rb") as file:
        decompressed(file).close()  # is small
        file.seek(0)
        monkeypatch.setattr(tars, "ROOM", 100)
        with pytest.raises(OSError, match="would stay free on the disk"):
            decompressed(file)
