"""Location: where the user says, else where the operating system keeps caches, and nothing is made."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from octlib.features import cache_folder


def test_the_user_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTLIB_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    assert not (tmp_path / "here").exists()


def test_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("OCTLIB_CACHE", "~/scans")
    assert cache_folder() == tmp_path / "scans"


@pytest.mark.parametrize("empty", [True, False])
def test_else_it_is_where_the_system_keeps_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: bool) -> None:
    if empty:
        monkeypatch.setenv("OCTLIB_CACHE", "")
    else:
        monkeypatch.delenv("OCTLIB_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == Path(platformdirs.user_cache_dir("octlib", appauthor=False))
    assert list(tmp_path.iterdir()) == []
