"""Shards: what was written comes back, and what is none is told from one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from octlib.features.shards import DTYPES, mapped, open_shard, shard_bytes, write_shard

KEY = b"k" * 32
SCANS = [bytes([number]) * 32 for number in range(4)]
TABLE = np.arange(12).reshape(4, 3)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
def test_a_shard_comes_back(tmp_path: Path, dtype: np.dtype) -> None:
    written = write_shard(tmp_path / "new", KEY, SCANS, TABLE.astype(dtype))
    found = open_shard(written.file)
    assert found is not None
    assert (found.key, found.dtype, found.n_features, len(found)) == (KEY, dtype, 3, 4)
    assert found.index == written.index
    np.testing.assert_array_equal(found.features(), TABLE)
    assert found.sound_rows() == {scan: row for row, scan in enumerate(SCANS)}
    assert found.sound_rows({SCANS[2], b"unknown"}) == {SCANS[2]: 2}
    assert written.file.stat().st_size == shard_bytes(4, 3, dtype)


def test_rows_that_lie_apart_are_written_in_order(tmp_path: Path) -> None:
    columns = np.asfortranarray(TABLE.astype(np.float32))
    np.testing.assert_array_equal(write_shard(tmp_path, KEY, SCANS, columns).features(), TABLE)


def test_what_is_mapped_is_known_as_long_as_somebody_holds_it(tmp_path: Path) -> None:
    shard = write_shard(tmp_path, KEY, SCANS, TABLE.astype(np.float32))
    assert shard.file not in mapped
    features = shard.features()
    assert shard.features() is features
    assert shard.file in mapped
    del features
    assert shard.file not in mapped


@pytest.mark.parametrize("content", [b"", b"octlib features\n", b"\0" * 64, b"notes of mine" * 50])
def test_other_files_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert open_shard(tmp_path / "file") is None
    assert open_shard(tmp_path) is None
    assert open_shard(tmp_path / "nowhere") is None
