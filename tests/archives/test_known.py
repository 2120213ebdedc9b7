"""Known: archives are found by the paths that go through them, and folders are left alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from octlib.archives import locate

Pack = Callable[[str, dict[str, bytes]], Path]


def inside(path: str | Path) -> str | None:
    found = locate(path)
    return None if found is None else found.member


def test_members_have_forward_slashes_and_no_turns(pack: Pack, name: str) -> None:
    path = pack(name, {"a": b"1"})
    assert inside(path) == ""
    assert inside(f"{path}{os.sep}") == ""
    assert inside(path / "b" / "c.zip" / "d.png") == "b/c.zip/d.png"
    assert inside(f"{path}//b/./c") == "b/c"


@pytest.mark.parametrize("path", ["a.png", "no.zip", "no.zip/a.png", "folder.zip/a.png", "file/x.zip/a", "nul\0.zip/a"])
def test_other_paths(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "file").write_bytes(b"")
    assert locate(os.path.join(tmp_path, path)) is None  # noqa: PTH118 - a Path takes no NUL


def test_an_archive_that_has_changed_is_another_one(pack: Pack) -> None:
    path = pack("a.zip", {"a": b"1"})
    first = locate(path)
    pack("a.zip", {"b": b"22"})
    second = locate(path)
    assert first is not None
    assert second is not None
    assert first.archive is not second.archive
    assert list(second.archive.index.members) == ["b"]
