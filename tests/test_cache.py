"""Location: where the user says, else where the operating system keeps caches, and nothing is made."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from octlib.features import cache_folder, cache_limit


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


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (None, 10**10),
        ("", 10**10),
        ("20 GB", 20 * 10**9),
        ("1.5gb", 1_500_000_000),
        (" 2 TB ", 2 * 10**12),
        ("500 kB", 500_000),
        ("7 B", 7),
        ("0", 0),
        ("0 GB", 0),
    ],
)
def test_the_user_says_how_much(monkeypatch: pytest.MonkeyPatch, given: str | None, size: int) -> None:
    monkeypatch.delenv("OCTLIB_CACHE_LIMIT", raising=False)
    if given is not None:
        monkeypatch.setenv("OCTLIB_CACHE_LIMIT", given)
    assert cache_limit() == size


@pytest.mark.parametrize("given", ["20", "-1 GB", "much", "1e3 GB", "GB", "10 GiB", "0 GB!"])
def test_a_limit_that_is_no_size_is_an_error(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("OCTLIB_CACHE_LIMIT", given)
    with pytest.raises(ValueError, match="OCTLIB_CACHE_LIMIT must be a size such as '20 GB' or '500 MB', or 0, got"):
        cache_limit()
