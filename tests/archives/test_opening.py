"""Opening: a path through an archive does what the same path through a folder does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from octlib.archives import exists, is_file, is_folder, open_binary, open_text, size_of
from octlib.errors import LayoutError, UnreadableScanError

Pack = Callable[[str, dict[str, bytes]], Path]


def test_paths_lead_through_archives(pack: Pack, name: str) -> None:
    archive = pack(name, {"a/b.txt": "\ufeffGröße\n".encode(), "empty": b""})
    with open_binary(archive / "a/b.txt") as file, open_text(archive / "a/b.txt") as text:
        assert file.read().decode("utf-8-sig") == text.read() == "Größe\n"
    assert (size_of(archive / "a/b.txt"), size_of(archive / "empty")) == (11, 0)
    assert is_file(archive / "a/./b.txt")
    assert not is_file(archive / "a")
    assert is_folder(archive)
    assert is_folder(archive / "a")
    assert not exists(archive / "b")


def test_what_is_not_there_is_missing_as_on_a_disk(pack: Pack, name: str) -> None:
    archive = pack(name, {"a/b": b"1"})
    for wrong, error in (("c", FileNotFoundError), ("a", IsADirectoryError), ("../c", FileNotFoundError)):
        for function in (open_binary, size_of):
            with pytest.raises(error):
                function(archive / wrong)


def test_plain_files_and_folders_named_as_archives(tmp_path: Path) -> None:
    folder = tmp_path / "a.zip" / "b.tar"
    folder.mkdir(parents=True)
    (folder / "c").write_bytes(b"scan")
    with open_binary(folder / "c") as file:
        assert file.read() == b"scan"
    assert (size_of(folder / "c"), is_file(folder / "c"), is_folder(folder), exists(folder / "d")) == (
        4,
        True,
        True,
        False,
    )
    with pytest.raises(IsADirectoryError):
        size_of(folder)


def test_archives_in_archives_stay_closed(pack: Pack) -> None:
    inner = pack("b.zip", {"a": b"1"})
    outer = pack("a.zip", {"b.zip": inner.read_bytes()})
    assert is_file(outer / "b.zip")
    assert not exists(outer / "b.zip" / "a")


def test_errors_name_archive_and_member(pack: Pack, tmp_path: Path) -> None:
    archive = pack("a.zip", {"a/b": b"scan" * 99})
    content = bytearray(archive.read_bytes())
    content[40] ^= 255
    archive.write_bytes(content)
    with pytest.raises(UnreadableScanError, match=r"a\.zip/a/b can't be read out of its archive"):
        open_binary(archive / "a/b")
    (tmp_path / "c.tar.gz").write_bytes(archive.read_bytes())
    with pytest.raises(LayoutError, match=r"c\.tar\.gz can't be read as the archive that its name says it is"):
        open_binary(tmp_path / "c.tar.gz" / "a/b")
