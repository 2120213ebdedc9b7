"""Inventory: what is kept is told, damage is found, and clearing takes what it was asked to and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from octlib.errors import CacheWarning
from octlib.features import cache_contents, clear_cache, extract_features, verify_cache

DAY = 86_400


@pytest.fixture
def stores(build: Callable[..., Any], toy: Callable[..., Any], cache: Path) -> dict[str, Path]:
    """Keep 24 scans in single and 10 in half precision, the latter unused for ten days; give the files."""
    classifier = build()
    extract_features(classifier, toy())
    (single,) = cache.rglob("*.features")
    extract_features(classifier, toy(10), cache="float16")
    (half,) = set(cache.rglob("*.features")) - {single}
    os.utime(half, (time.time() - 10 * DAY,) * 2)
    return {"float32": single, "float16": half}


def test_contents_are_counted_the_most_recently_used_first(stores: dict[str, Path]) -> None:
    single, half = cache_contents()
    assert (single.name, half.name) == (stores["float32"].parent.name, stores["float16"].parent.name)
    assert (single.rows, half.rows) == (24, 10)
    assert single.backbone == half.backbone == "test_resnet"
    assert single.name.startswith("test_resnet-32x32-float32-")
    assert single.bytes == stores["float32"].stat().st_size
    assert timedelta(days=9.9) < datetime.now(UTC) - half.last_used < timedelta(days=10.1)
    stores["float32"].write_bytes(b"damaged")
    assert [entry.rows for entry in cache_contents()] == [0, 10]


def test_nothing_kept_is_nothing(cache: Path) -> None:
    assert cache_contents() == verify_cache() == ()
    assert clear_cache() == clear_cache(older_than=0) == 0
    assert not cache.exists()


def test_every_row_is_verified(
    stores: dict[str, Path], build: Any, toy: Any, passed: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert {(shard.path, shard.rows, shard.damaged) for shard in verify_cache()} == {
        (stores["float32"], 24, 0),
        (stores["float16"], 10, 0),
    }
    with stores["float32"].open("rb+") as file:
        file.seek(-1, 2)
        file.write(b"\x77")
    stores["float16"].write_bytes(stores["float16"].read_bytes()[:-1])
    found = {shard.path: shard for shard in verify_cache(progress=True)}
    assert "checking" in capsys.readouterr().err
    assert (found[stores["float32"]].rows, found[stores["float32"]].damaged) == (24, 1)
    assert (found[stores["float16"]].rows, found[stores["float16"]].damaged) == (0, 0)
    assert not any(shard.sound for shard in found.values())
    assert all(path.exists() for path in stores.values())
    verify_cache(remove_damaged=True)
    assert verify_cache() == ()
    extract_features(build(), toy())
    assert passed[-1] == 24
    assert [shard.sound for shard in verify_cache()] == [True]


def test_clearing_takes_all_and_leaves_what_others_have_put_there(stores: dict[str, Path], cache: Path) -> None:
    others = [
        cache / "thesis.tex",
        cache / "features" / "notes.txt",
        stores["float32"].with_name("mine.features"),
        cache / stores["float32"].name,
    ]
    for path in others:
        path.write_text("precious", encoding="utf-8")
    size = sum(path.stat().st_size for path in stores.values())
    assert clear_cache(dry_run=True) == size
    assert all(path.exists() for path in stores.values())
    assert clear_cache() == size
    assert sorted(path for path in cache.rglob("*") if path.is_file()) == sorted(others)
    assert not stores["float16"].parent.exists()


def test_clearing_takes_what_was_not_used_for_long(stores: dict[str, Path]) -> None:
    assert clear_cache(older_than=11) == 0
    assert clear_cache(older_than=9) > 0
    assert [path.exists() for path in stores.values()] == [True, False]


@pytest.mark.parametrize("whole", [True, False])
def test_clearing_takes_one_backbone(stores: dict[str, Path], build: Any, toy: Any, whole: bool) -> None:
    extract_features(build(image_size=64), toy(3))
    name = stores["float16"].parent.name
    assert len(cache_contents()) == 3
    clear_cache(name if whole else "test_resnet")
    assert [entry.rows for entry in cache_contents()] == ([3, 24] if whole else [])


@pytest.mark.usefixtures("stores")
def test_clearing_what_there_is_not_is_an_error() -> None:
    with pytest.raises(ValueError, match="Unknown backbone 'test_resnt': did you mean 'test_resnet'"):
        clear_cache("test_resnt")
    for days in (-1, float("nan")):
        with pytest.raises(ValueError, match="older_than must be a number of days, at least 0"):
            clear_cache(older_than=days)


def test_what_cannot_be_removed_is_told(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink

    def refuse(path: Path, **kwargs: Any) -> None:
        if path == stores["float16"]:
            raise PermissionError(13, "Permission denied")
        unlink(path, **kwargs)

    monkeypatch.setattr(Path, "unlink", refuse)
    size = stores["float32"].stat().st_size
    with pytest.warns(CacheWarning, match="1 of 2 files could not be removed"):
        assert clear_cache() == size
    assert stores["float16"].exists()
