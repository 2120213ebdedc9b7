"""Archive: read at random, by threads and processes, as long as it is the one that was loaded."""

from __future__ import annotations

import gc
import os
import pickle
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from octlib.archives import Archive, archives_kept, locate
from octlib.archives.archive import CHANGED, stamp_of
from octlib.errors import LayoutError, MissingScanError, UnreadableScanError

Pack = Callable[[str, dict[str, bytes]], Path]
CONTENTS = {f"{n}.png": np.random.default_rng(n).bytes(5_000 + n) for n in range(50)}


def opened(path: Path) -> Archive:
    return Archive(str(path), stamp_of(path))


def reads_well(archive: Archive, times: int = 1) -> bool:
    return all([archive.read(name) for name in CONTENTS] == list(CONTENTS.values()) for _ in range(times))


def test_threads_read_at_once(pack: Pack, name: str) -> None:
    archive = opened(pack(name, CONTENTS))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(archive.read, list(CONTENTS) * 10)) == list(CONTENTS.values()) * 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_forked_processes_read_at_once(pack: Pack, name: str) -> None:
    archive = opened(pack(name, CONTENTS))
    assert reads_well(archive)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that other tests have left
        child = os.fork()
    if child == 0:
        os._exit(0 if reads_well(archive, 20) else 1)
    assert reads_well(archive, 20)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_pickled_archive_is_the_same_one(pack: Pack, name: str) -> None:
    path = pack(name, CONTENTS)
    copy = pickle.loads(pickle.dumps(opened(path)))  # noqa: S301 - what spawned workers are given
    assert reads_well(copy)
    os.utime(path, (1, 1))
    with pytest.raises(UnreadableScanError, match=CHANGED):
        copy.require_unchanged(path / "0.png")


def test_another_archive_in_its_place_is_not_read(pack: Pack, name: str) -> None:
    path = pack(name, CONTENTS)
    archive = opened(path)
    archive.require_unchanged(path / "0.png")
    pack(name, {"0.png": b"of another patient"})
    with pytest.raises(UnreadableScanError, match=f"0.png can't be read: {CHANGED}. Load it again"):
        archive.require_unchanged(path / "0.png")
    afresh = Archive(str(path), archive.stamp)
    with pytest.raises(LayoutError, match=CHANGED):
        afresh.read("0.png")
    path.unlink()
    with pytest.raises(MissingScanError, match="its archive is gone"):
        archive.require_unchanged(path / "0.png")


def test_an_archive_is_listed_once_while_it_is_kept(pack: Pack, name: str) -> None:
    path = pack(name, CONTENTS)
    with archives_kept() as kept:
        first = locate(path / "0.png")
        again = locate(path / "1.png")
        assert first is not None
        assert again is not None
        assert first.archive is again.archive is kept[str(path)]
        assert (first.member, again.member) == ("0.png", "1.png")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files can't be listed here")
def test_nothing_stays_open(pack: Pack, name: str) -> None:
    path = pack(name, CONTENTS)
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    archive = opened(path)
    assert reads_well(archive)
    assert len(list(Path("/proc/self/fd").iterdir())) == before + (path.suffix.lower() in (".gz", ".tgz"))
    del archive
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
