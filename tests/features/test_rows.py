"""Rows: what an array would give, read from several shards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octlib.features import StoredRows

N, FEATURES = 11, 3
TABLE = np.random.default_rng(0).normal(size=(N, FEATURES)).astype(np.float32)


def stored(dtype: str = "float32") -> StoredRows:
    """Spread the table over three shards, in disorder and with rows that nobody asks for."""
    places = np.array([(number % 3, 7 - number // 3) for number in range(N)])
    shards = [np.full((8, FEATURES), 99, dtype) for _ in range(3)]
    for (shard, place), features in zip(places, TABLE, strict=True):
        shards[shard][place] = features
    return StoredRows(tuple(shards), places, FEATURES)


ROWS = stored()
POSITIONS = st.integers(-N, N - 1)
BOUNDS = st.none() | st.integers(-N - 2, N + 2)


@given(
    st.builds(slice, BOUNDS, BOUNDS, st.none() | st.integers(1, 4) | st.integers(-4, -1))
    | st.lists(POSITIONS, min_size=1).map(np.array)
    | st.lists(st.booleans(), min_size=N, max_size=N).map(np.array)
    | st.just(np.array([], np.int64))
)
def test_rows_are_those_of_an_array(chosen: Any) -> None:
    found = ROWS[chosen]
    np.testing.assert_array_equal(found, TABLE[chosen])
    assert found.dtype == np.float32
    assert found.flags.writeable
    assert found.shape[1] == FEATURES


def test_a_table_has_a_shape() -> None:
    assert ROWS.shape == TABLE.shape
    assert len(ROWS) == N
    assert ROWS.nbytes == TABLE.nbytes


def test_half_precision_comes_back_as_float32() -> None:
    found = stored("float16")[:]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, TABLE.astype(np.float16))


def test_what_is_read_is_a_copy(tmp_path: Path) -> None:
    rows = stored()
    rows[:][:] = 0
    np.testing.assert_array_equal(rows[:], TABLE)


@pytest.mark.parametrize("chosen", [N, -N - 1, [0, N]])
def test_rows_that_there_are_not(chosen: Any) -> None:
    with pytest.raises(IndexError):
        ROWS[np.atleast_1d(chosen)]
