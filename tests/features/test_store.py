"""Store: right or missing, whatever lies on the disk and however full it is."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import warnings
import zipfile
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import octlib
from octlib.errors import CacheWarning, NoRoomError
from octlib.features import extract_features, keys, store
from octlib.features.shards import ENTRY, HEAD, MAGIC, open_shard, shard_bytes
from octlib.features.store import FeatureStore

Build = Callable[..., Any]
Toy = Callable[..., Any]

KEY = "ab" * 32
N, FEATURES = 5, 3
SCANS = [bytes([number]) * 32 for number in range(N)]
TABLE = np.random.default_rng(0).normal(size=(N, FEATURES)).astype(np.float32)


def opened(folder: Path, key: str = KEY, dtype: str = "float32") -> FeatureStore:
    found = FeatureStore(folder, key, FEATURES, dtype)
    found.find(SCANS)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Fill a store."""
    writer = FeatureStore(tmp_path / "store", KEY, FEATURES)
    writer.add(SCANS, TABLE)
    writer.flush()
    return tmp_path / "store"


@pytest.fixture
def file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_rows_come_back_in_any_order(folder: Path) -> None:
    found = opened(folder)
    assert found.missing(SCANS) == []
    order = [3, 0, 3, 4]
    np.testing.assert_array_equal(found.rows([SCANS[place] for place in order])[:], TABLE[order])


def test_another_backbone_or_another_precision_finds_nothing(folder: Path) -> None:
    for other in (opened(folder, key="cd" * 32), opened(folder, dtype="float16"), opened(folder / "elsewhere")):
        assert other.missing(SCANS) == list(range(N))
    assert FeatureStore(folder, KEY, FEATURES + 1).missing(SCANS) == list(range(N))
    wider = FeatureStore(folder, KEY, FEATURES + 1)
    wider.find(SCANS)
    assert wider.missing(SCANS) == list(range(N))


def test_missing_names_each_key_once(tmp_path: Path) -> None:
    found = opened(tmp_path / "store")
    assert found.missing([SCANS[2], SCANS[0], SCANS[2], SCANS[0], SCANS[1]]) == [0, 1, 4]
    assert not (tmp_path / "store").exists()


def test_rows_are_written_when_there_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SHARD_BYTES", 2 * 4 * FEATURES)
    writer = FeatureStore(tmp_path / "store", KEY, FEATURES)
    for number in range(N):
        writer.add(SCANS[number : number + 1], TABLE[number : number + 1])
        assert len(list((tmp_path / "store").glob("*.features"))) == (number + 1) // 2
    np.testing.assert_array_equal(writer.rows(SCANS)[:], TABLE)  # it writes the last one
    assert len(list((tmp_path / "store").iterdir())) == 3
    np.testing.assert_array_equal(opened(tmp_path / "store").rows(SCANS)[:], TABLE)


def test_rows_are_written_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = FeatureStore(tmp_path / "store", KEY, FEATURES)
    writer.add(SCANS[:1], TABLE[:1])
    assert not (tmp_path / "store").exists()
    monkeypatch.setattr(store, "SHARD_SECONDS", -1.0)
    writer.add(SCANS[1:2], TABLE[1:2])
    assert opened(tmp_path / "store").missing(SCANS) == [2, 3, 4]


# Damage


def writable(file: Path) -> dict[str, np.ndarray]:
    """Map what is in a shard, to damage it."""
    shard = open_shard(file)
    assert shard is not None
    n = len(shard)
    index = np.memmap(file, np.uint8, "r+", HEAD.size, (n, ENTRY.size))
    features = np.memmap(file, shard.dtype, "r+", HEAD.size + index.nbytes, (n, shard.n_features))
    return {"scan": index[:, :32], "check": index[:, 32:], "features": features}


def test_any_bit_that_flips_is_noticed_or_does_no_harm(file: Path) -> None:
    content = file.read_bytes()
    noticed = 0
    for place in range(len(content)):
        for bit in (0, 5):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            file.write_bytes(damaged)
            found = opened(file.parent)
            left = [number for number in range(N) if number not in found.missing(SCANS)]
            noticed += len(left) < N
            np.testing.assert_array_equal(found.rows([SCANS[number] for number in left])[:], TABLE[left])
    assert noticed >= 2 * N * (40 + 4 * FEATURES)  # every byte of every row matters


@pytest.mark.parametrize("place", range(N))
def test_a_row_that_is_damaged_costs_no_other(file: Path, place: int) -> None:
    writable(file)["features"][place, 1] += 1e-3
    assert opened(file.parent).missing(SCANS) == [place]


def test_any_cut_is_noticed(file: Path) -> None:
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        assert opened(file.parent).missing(SCANS) == list(range(N)), length


@pytest.mark.parametrize("field", ["scan", "check", "features"])
def test_rows_that_were_exchanged_are_noticed(file: Path, field: str) -> None:
    fields = writable(file)
    fields[field][[1, 3]] = fields[field][[3, 1]]
    found = opened(file.parent)
    assert found.missing(SCANS) == [1, 3]
    found.add([SCANS[1], SCANS[3]], TABLE[[1, 3]])
    np.testing.assert_array_equal(found.rows(SCANS)[:], TABLE)
    np.testing.assert_array_equal(opened(file.parent).rows(SCANS)[:], TABLE)  # and the new ones are kept


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("features.npy", b"nothing")
    return content.getvalue()


def array(values: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, values, allow_pickle=True)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 500, b"notes of mine", zipped(), array(TABLE), array(np.float32(3)), array(np.zeros(0))],
    ids=["empty", "zeros", "text", "archive", "another array", "one number", "no number"],
)
def test_files_of_others_are_left_alone(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    (file.parent / "folder.npy").mkdir()
    found = opened(file.parent)
    assert found.missing(SCANS) == list(range(N))
    found.add(SCANS, TABLE)
    np.testing.assert_array_equal(found.rows(SCANS)[:], TABLE)
    assert file.read_bytes() == content


@pytest.mark.parametrize("headed", [False, True])
def test_nothing_is_unpickled(file: Path, tmp_path: Path, headed: bool) -> None:
    trap = Trap(tmp_path / "sprung")
    content = pickle.dumps(trap) if headed else array(np.array([trap], object))
    file.write_bytes(file.read_bytes()[: HEAD.size] + content if headed else content)
    assert opened(file.parent).missing(SCANS) == list(range(N))
    assert not trap.file.exists()
    np.load(io.BytesIO(array(np.array([trap], object))), allow_pickle=True)
    assert trap.file.exists()  # the trap works


@pytest.mark.parametrize(
    "head",
    [
        (MAGIC, b"\xab" * 32, 2**60, 2**31, 4),
        (MAGIC, b"\xab" * 32, 2**64 - 1, 2**32 - 1, 4),
        (MAGIC, b"\xab" * 32, 0, 3, 4),
        (MAGIC, b"\xab" * 32, N, 0, 4),
        (MAGIC, b"\xab" * 32, N, FEATURES, 2**31),
        (b"other features\n", b"\xab" * 32, N, FEATURES, 4),
    ],
)
def test_heads_that_lie_are_not_believed(file: Path, head: tuple[object, ...]) -> None:
    file.write_bytes(HEAD.pack(*head) + file.read_bytes()[HEAD.size :])
    assert open_shard(file) is None
    assert opened(file.parent).missing(SCANS) == list(range(N))


def test_an_index_that_points_to_other_rows_finds_none_of_them(file: Path, tmp_path: Path) -> None:
    other = FeatureStore(tmp_path / "other", KEY, FEATURES)
    other.add(SCANS[::-1], TABLE + 1)
    other.flush()
    (donor,) = (tmp_path / "other").iterdir()
    index = slice(HEAD.size, HEAD.size + N * ENTRY.size)
    content = file.read_bytes()
    file.write_bytes(content[: index.start] + donor.read_bytes()[index] + content[index.stop :])
    assert opened(file.parent).missing(SCANS) == list(range(N))


def test_a_shard_of_another_backbone_is_noticed(folder: Path, tmp_path: Path) -> None:
    other = FeatureStore(tmp_path / "other", "cd" * 32, FEATURES)
    other.add(SCANS, TABLE + 1)
    other.flush()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "other", folder)
    assert opened(folder).missing(SCANS) == list(range(N))
    assert opened(folder, key="cd" * 32).missing(SCANS) == []


def damage_truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def damage_one_row(file: Path) -> None:
    writable(file)["features"][11] = 0


@pytest.mark.parametrize(("damage", "again"), [(damage_truncated, 24), (damage_one_row, 1)])
def test_what_is_damaged_is_computed_again(
    classifier: Any, toy: Toy, cache: Path, passed: list[int], damage: Any, again: int
) -> None:
    wanted = extract_features(classifier, toy())
    (file,) = cache.rglob("*.features")
    damage(file)
    passed.clear()
    for _ in range(2):  # and no more than once
        np.testing.assert_allclose(extract_features(classifier, toy()), wanted, rtol=1e-4, atol=1e-6)
        assert sum(passed) == again


# Look-up


def test_only_shards_that_have_the_scans_are_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = FeatureStore(tmp_path / "store", KEY, FEATURES)
    for number in range(N):
        writer.add(SCANS[number : number + 1], TABLE[number : number + 1])
        writer.flush()
    del writer
    files: list[Path] = []
    memmap = np.memmap
    monkeypatch.setattr(np, "memmap", lambda file, *rest: (files.append(file), memmap(file, *rest))[1])
    reader = FeatureStore(tmp_path / "store", KEY, FEATURES)
    reader.find([SCANS[2], b"unknown " * 4])
    np.testing.assert_array_equal(reader.rows(SCANS[2:3])[:], TABLE[2:3])
    assert len(set(files)) == 1


def test_many_small_shards_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MANY", 4)
    keys = [bytes([number]) * 32 for number in range(100, 150)]
    table = np.random.default_rng(1).normal(size=(50, FEATURES)).astype(np.float32)
    most = 0
    for number, key in enumerate(keys):
        writer = FeatureStore(tmp_path / "store", KEY, FEATURES)
        writer.add([key], table[number : number + 1])
        np.testing.assert_array_equal(writer.rows([key])[:], table[number : number + 1])
        del writer
        most = max(most, len(list((tmp_path / "store").iterdir())))
    assert most <= 4
    reader = FeatureStore(tmp_path / "store", KEY, FEATURES)
    reader.find(keys)
    np.testing.assert_array_equal(reader.rows(keys)[:], table)
    assert sum(len(open_shard(path) or ()) for path in (tmp_path / "store").iterdir()) == 50


# Room


def test_half_precision_has_a_range(tmp_path: Path) -> None:
    writer = FeatureStore(tmp_path, KEY, FEATURES, "float16")
    with pytest.raises(ValueError, match="exceed the range of float16, ±65,504. Use cache=True"):
        writer.add(SCANS[:1], np.array([[1, 2, -7e4]], np.float32))
    writer.add(SCANS[:2], np.array([[1, 2, np.inf], [np.nan, 65_504, 0]], np.float32))  # not float16's fault
    np.testing.assert_array_equal(
        writer.rows(SCANS[:2])[:], np.array([[1, 2, np.inf], [np.nan, 65_504, 0]], np.float32)
    )


def test_work_that_finds_no_room_is_refused_at_once(
    classifier: Any, toy: Toy, cache: Path, passed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil's own
    monkeypatch.setattr(store, "SHARD_BYTES", 1000)
    size = shard_bytes(24, classifier.backbone.n_features, np.dtype(np.float32))
    for free, refused in ((size - 1, True), (size, False)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(10**9, 0, free))
        if refused:
            with pytest.raises(NoRoomError, match=r"24 scans need \d\.\d GB, and .* has \d\.\d GB left") as error:
                extract_features(classifier, toy())
            for word in ("OCTLIB_CACHE", "cache='float16'", "cache=False", str(cache.parent)):
                assert word in str(error.value)
            assert passed == []
            extract_features(classifier, toy(), cache="float16")
            passed.clear()
        else:
            extract_features(classifier, toy())
    assert sum(passed) == 24


def test_what_fits_into_memory_needs_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil's own
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 0))
    wide = FeatureStore(tmp_path / "not" / "there", KEY, 2**18 - 11)
    wide.require_room(64)
    with pytest.raises(NoRoomError, match="65 scans need 0.1 GB, and .* has 0.0 GB"):
        wide.require_room(65)


def test_a_store_that_cannot_be_written_says_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SHARD_BYTES", 1)
    (tmp_path / "file").touch()
    writer = FeatureStore(tmp_path / "file" / "store", KEY, FEATURES)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for number in range(N):
            writer.add(SCANS[number : number + 1], TABLE[number : number + 1])
    np.testing.assert_array_equal(writer.rows(SCANS)[:], TABLE)
    assert len(caught) == 1
    assert str(tmp_path / "file" / "store") in str(caught[0].message)


@contextmanager
def small_files_alone() -> Iterator[None]:
    """Let no file grow beyond 1 kB, as on a disk that is full."""
    resource = pytest.importorskip("resource", reason="needs limits of resources")
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody for a while, if one is root, whom no permission stops."""
    if not hasattr(os, "geteuid"):
        pytest.skip("needs permissions as Unix has them")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def fit_and_evaluate(build: Build, toy: Toy, cache: bool | str = True) -> tuple[np.ndarray, float]:
    classifier = build()
    octlib.fit(classifier, toy(18), toy().subset(range(18, 24)), epochs=2, cache=cache, progress=False)
    return classifier.head.get_weights()[0], octlib.evaluate(classifier, toy(18), cache=cache).accuracy


@pytest.fixture
def hindered(build: Build, toy: Toy) -> Callable[..., str]:
    """Give a function that fits without room for features, and returns the one warning."""
    wanted = fit_and_evaluate(build, toy, False)

    def run(obstacle: Any) -> str:
        with warnings.catch_warnings(record=True) as caught, obstacle:
            warnings.simplefilter("default")  # as users see them
            weights, accuracy = fit_and_evaluate(build, toy)
        np.testing.assert_array_equal(weights, wanted[0])
        assert accuracy == wanted[1]
        caught = [warning for warning in caught if issubclass(warning.category, CacheWarning)]
        assert len(caught) == 1
        assert "OCTLIB_CACHE" in str(caught[0].message)
        assert "cache=False" in str(caught[0].message)
        return str(caught[0].message)

    return run


def test_a_full_disk_is_a_warning(hindered: Any, cache: Path) -> None:
    message = hindered(small_files_alone())
    assert str(cache) in message
    assert "File too large" in message
    assert [path for path in cache.rglob("*") if path.is_file()] == []  # no halves


@pytest.mark.parametrize("below", [False, True])
def test_a_cache_that_is_a_file_is_a_warning(
    hindered: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: bool
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    monkeypatch.setenv("OCTLIB_CACHE", str(tmp_path / "file" / "below" if below else tmp_path / "file"))
    message = hindered(nullcontext())
    assert str(tmp_path / "file") in message
    assert "Not a directory" in message or "File exists" in message
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_cache_that_is_closed_is_a_warning(
    hindered: Any, cache: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    # The environment that octlib is installed in may be closed to nobody too.
    monkeypatch.setattr(keys, "version", {name: keys.version(name) for name in keys.PACKAGES}.__getitem__)
    cache.mkdir()
    cache.chmod(mode)
    try:
        message = hindered(without_privileges())
    finally:
        cache.chmod(0o755)
    assert str(cache) in message
    assert "Permission denied" in message
    assert list(cache.iterdir()) == []
