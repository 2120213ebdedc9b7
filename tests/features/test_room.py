"""Room: the limit is kept, least recently used first, and what is not the store's own is left alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octlib.errors import CacheWarning, NoRoomError
from octlib.features import extract_features, store
from octlib.features.room import make_room, stored_files
from octlib.features.shards import open_shard, shard_bytes
from octlib.features.store import FeatureStore

KEY = "ab" * 32
FEATURES = 100
SIZE = shard_bytes(1, FEATURES, np.dtype(np.float32))
ROW = np.arange(FEATURES, dtype=np.float32)[None]


def scan(number: int) -> bytes:
    return bytes([number]) * 32


def write(root: Path, number: int, backbone: str = "one") -> Path:
    """Write a shard with one row, and forget it."""
    before = {file.path for file in stored_files(root)}
    writer = FeatureStore(root / backbone, KEY, FEATURES)
    writer.add([scan(number)], ROW + number)
    writer.flush()
    (new,) = {file.path for file in stored_files(root)} - before
    os.utime(new, (1e9 + number, 1e9 + number))
    return new


def limit(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setenv("OCTLIB_CACHE_LIMIT", f"{size} B")


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_limit_counts_all_backbones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, 3 * SIZE)
    for number in range(6):
        write(tmp_path, number, f"backbone-{number % 2}")
        assert bytes_in(tmp_path) == min(number + 1, 3) * SIZE


def test_the_least_recently_used_goes_first_not_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (write(tmp_path, number) for number in range(3))
    reader = FeatureStore(tmp_path / "one", KEY, FEATURES)
    reader.find([scan(0), b"unknown " * 4])  # to use one says nothing of the others
    del reader
    limit(monkeypatch, 3 * SIZE)
    fourth = write(tmp_path, 3)
    assert {file.path for file in stored_files(tmp_path)} == {first, third, fourth}
    assert not second.exists()


def test_what_this_process_has_mapped_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oldest, other = write(tmp_path, 0), write(tmp_path, 1)
    reader = FeatureStore(tmp_path / "one", KEY, FEATURES)
    reader.find([scan(0)])
    rows = reader.rows([scan(0)])
    del reader
    os.utime(oldest, (1.0, 1.0))
    limit(monkeypatch, 2 * SIZE)
    write(tmp_path, 2)
    assert oldest.exists()
    assert not other.exists()
    np.testing.assert_array_equal(rows[:], ROW)


@pytest.mark.skipif(os.name == "nt", reason="Windows removes nothing that is in use")
def test_what_another_process_removes_stays_readable(tmp_path: Path) -> None:
    write(tmp_path, 0)
    reader = FeatureStore(tmp_path / "one", KEY, FEATURES)
    reader.find([scan(0)])
    shutil.rmtree(tmp_path / "one")
    np.testing.assert_array_equal(reader.rows([scan(0)])[:], ROW)


def test_what_the_present_run_needs_beyond_the_limit_is_held_in_memory(
    classifier: Any, toy: Callable[..., Any], cache: Path, passed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = extract_features(classifier, toy(), cache=False)
    passed.clear()
    monkeypatch.setattr(store, "SHARD_SECONDS", -1.0)  # every batch becomes a file
    limit(monkeypatch, 2 * shard_bytes(8, classifier.backbone.n_features, np.dtype(np.float32)))
    with pytest.warns(CacheWarning, match="more than OCTLIB_CACHE_LIMIT allows"):
        found = extract_features(classifier, toy(), batch_size=8)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert passed == [8, 8, 8]
    assert len(stored_files(cache / "features")) == 2


def test_much_beyond_the_limit_is_refused_before_the_work(
    classifier: Any, toy: Callable[..., Any], passed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SHARD_BYTES", 1000)
    limit(monkeypatch, 5_000)
    with pytest.raises(NoRoomError) as error:
        extract_features(classifier, toy())
    assert error.value.problem == "The features of 24 scans need 0.0 GB, and OCTLIB_CACHE_LIMIT leaves 0.0 GB."
    for word in ("Let OCTLIB_CACHE_LIMIT allow more", "cache='float16'", "cache=False"):
        assert word in error.value.advice
    assert passed == []


def test_files_of_others_are_neither_counted_nor_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "features"
    mine = write(root, 0)
    others = [root / "notes.features", root / "one" / "scan.png", root / "one" / "x.features", root / mine.name]
    outside = tmp_path / "outside" / mine.name
    outside.parent.mkdir()
    for path in (*others, outside):
        path.write_bytes(b"precious" * 1000)
    (root / "one" / ("0" * 32 + ".features")).symlink_to(outside)
    (root / "elsewhere").symlink_to(outside.parent)
    (root / "one" / ("1" * 32 + ".features")).mkdir()
    assert [file.path for file in stored_files(root)] == [mine]
    limit(monkeypatch, 0)
    assert make_room(root)
    assert not mine.exists()
    assert all(path.exists() for path in (*others, outside))


def test_halves_of_processes_that_were_killed_are_counted_and_removed_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 0)
    new, old, other = (
        tmp_path / "one" / name
        for name in (f".{'a' * 32}-0123abcd.part.features", f".{'b' * 32}-0123abcd.part.features", "mine.part.features")
    )
    for part in (new, old, other):
        part.write_bytes(b"half" * SIZE)
    for part in (old, other):
        os.utime(part, (1.0, 1.0))
    assert make_room(tmp_path)
    assert not old.exists()
    assert new.exists()  # somebody may be writing it
    assert other.exists()
    limit(monkeypatch, 2 * SIZE)
    assert not make_room(tmp_path)  # what is being written needs room too
    assert new.exists()


def test_a_shard_that_cannot_be_removed_leaves_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, 0)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "in use")))
    limit(monkeypatch, SIZE)
    assert not make_room(tmp_path, SIZE)
    assert file.exists()


def test_no_folder_is_no_file(tmp_path: Path) -> None:
    assert stored_files(tmp_path / "nowhere") == []
    assert make_room(tmp_path / "nowhere", 10**9)


WRITER = """
import json, sys, time
from pathlib import Path
import numpy as np
from octlib.features import store
from octlib.features.room import stored_files
from octlib.features.store import FeatureStore

root, number = Path(sys.argv[1]), int(sys.argv[2])
(root / f"ready-{number}").touch()
while len(list(root.glob("ready-*"))) < 2:
    time.sleep(0.005)
largest = 0
for turn in range(60):
    writer = FeatureStore(root / "features" / f"backbone-{number}", "ab" * 32, 100)
    keys = [bytes([number, turn, row]) + bytes(29) for row in range(2)]
    for key in keys:
        writer.add([key], np.full((1, 100), turn, np.float32))
        writer.flush()
    assert (writer.rows(keys)[:] == turn).all()
    largest = max(largest, sum(file.bytes for file in stored_files(root / "features")))
print(json.dumps(largest))
"""


def test_two_writers_keep_one_limit(tmp_path: Path) -> None:
    allowed = 10 * SIZE
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(number)],
            env={**os.environ, "OCTLIB_CACHE_LIMIT": f"{allowed} B"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out) <= allowed + 2 * SIZE  # what the other one writes at that moment
    assert 0 < bytes_in(tmp_path / "features") <= allowed
    assert all(open_shard(file.path) for file in stored_files(tmp_path / "features"))


def test_what_will_never_fit_costs_nobody_else_their_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = write(tmp_path, 0)
    limit(monkeypatch, bytes_in(tmp_path))
    assert not make_room(tmp_path, needed=bytes_in(tmp_path) + 1)
    assert kept.exists()
