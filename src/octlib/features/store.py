"""Store: features on disk, computed once for all runs and processes that need them."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from octlib._cache import LIMIT_VARIABLE, VARIABLE, cache_limit
from octlib.errors import CacheWarning, NoRoomError
from octlib.features.room import files_in, make_room, mark_used, remove
from octlib.features.rows import StoredRows
from octlib.features.shards import DTYPES, Shard, Table, mapped, open_shard, shard_bytes, write_shard

SHARD_BYTES = 64 * 2**20  # of features held back before they are written
SHARD_SECONDS = 60.0  # of work that a killed process may lose
SMALL_BYTES = 2**20  # Many shards below this size are joined,
MANY = 64  # else a look-up would open a file for each scan that was ever predicted alone.


class FeatureStore:
    """The features of one backbone: a folder of shards.

    Processes may read and write one store at the same time; at worst they compute the same rows twice. Damaged and
    foreign rows are known by their digests.

    Args:
        folder: where; made when the first shard is written. The folder above holds the stores of all backbones, which
            keep one limit.
        key: of the backbone.
        n_features: length of a row.
        dtype: ``"float32"`` or ``"float16"``.
    """

    def __init__(self, folder: Path, key: str, n_features: int, dtype: str = "float32") -> None:
        self.folder = folder
        self._key = bytes.fromhex(key)
        self._dtype = DTYPES[np.dtype(dtype).itemsize]
        self._n_features = n_features
        self._tables: list[Table] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        self._held_back: list[tuple[Sequence[bytes], Table]] = []
        self._last_written = time.monotonic()
        self._writable = True

    def find(self, keys: Sequence[bytes]) -> None:
        """Look for rows on disk, check those that are there, and note that they are used.

        Args:
            keys: of scans.
        """
        wanted = set(keys) - self._places.keys()
        for file in files_in(self.folder) if wanted else ():
            shard = open_shard(file.path)
            if shard is None or not self._is_mine(shard):
                continue
            try:
                found = shard.sound_rows(wanted)
                if found:
                    self._enter(shard.features(), found)
                    mark_used(shard.file)
                    wanted.difference_update(found)  # -= would copy what is left
            except OSError:  # removed by now
                continue

    def missing(self, keys: Sequence[bytes]) -> list[int]:
        """Return the positions of the keys without a row, each key once."""
        first = {key: position for position, key in reversed(list(enumerate(keys)))}
        return sorted(position for key, position in first.items() if key not in self._places)

    def require_room(self, rows: int) -> None:
        """Refuse work whose results would find no room.

        Args:
            rows: how many are to come.

        Raises:
            NoRoomError: if they are too many to be held in memory, and the disk or the limit leaves less than that.
        """
        needed = shard_bytes(rows, self._n_features, self._dtype)
        if needed <= SHARD_BYTES:
            return
        allowed = cache_limit() - self._bytes_in_use()
        if needed > allowed:
            left = f"{LIMIT_VARIABLE} leaves {max(allowed, 0) / 1e9:.1f} GB"
            raise _no_room(rows, needed, left, f"Let {LIMIT_VARIABLE} allow more")
        try:
            existing = next(parent for parent in (self.folder, *self.folder.parents) if parent.exists())
            free = shutil.disk_usage(existing).free
        except OSError:  # closed to this user, as writing will say
            return
        if needed > free:
            left = f"{existing} has {free / 1e9:.1f} GB left"
            raise _no_room(rows, needed, left, f"Let {VARIABLE} name a folder on a larger disk")

    def add(self, keys: Sequence[bytes], features: np.ndarray) -> None:
        """Add rows; they are written when there are enough of them, or after a minute, or by ``flush``.

        Args:
            keys: of scans.
            features: float32 (n, features).

        Raises:
            ValueError: if a value is too large for float16.
        """
        with np.errstate(over="ignore"):
            table = features.astype(self._dtype)
        if np.isinf(table).any() and not np.isinf(features).any():
            raise ValueError("These features exceed the range of float16, ±65,504. Use cache=True.")
        self._held_back.append((keys, table))
        size = sum(table.nbytes for _, table in self._held_back)
        if size >= SHARD_BYTES or time.monotonic() - self._last_written > SHARD_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what has been held back; where that fails, keep it in memory and say so once."""
        if not self._held_back:
            return
        keys = [key for part, _ in self._held_back for key in part]
        table = np.concatenate([table for _, table in self._held_back])
        self._held_back = []
        self._last_written = time.monotonic()
        self._enter(self._written(keys, table), {key: row for row, key in enumerate(keys)})

    def rows(self, keys: Sequence[bytes]) -> StoredRows:
        """Return the features of scans, all of which must have been found or added.

        Args:
            keys: of scans, in the order that is wanted.

        Returns:
            Rows that are read when asked for.
        """
        self.flush()
        places = np.array([self._places[key] for key in keys], np.int64).reshape(-1, 2)
        return StoredRows(tuple(self._tables), places, self._n_features)

    def _is_mine(self, shard: Shard) -> bool:
        return (shard.key, shard.dtype, shard.n_features) == (self._key, self._dtype, self._n_features)

    def _enter(self, table: Table, rows: dict[bytes, int]) -> None:
        self._tables.append(table)
        self._places |= {key: (len(self._tables) - 1, row) for key, row in rows.items()}

    def _bytes_in_use(self) -> int:
        return sum(
            shard_bytes(len(table), self._n_features, self._dtype)
            for table in self._tables
            if isinstance(table, np.memmap)
        )

    def _written(self, keys: Sequence[bytes], table: Table) -> Table:
        """Write a shard and give its features back from disk, or as they are."""
        if not self._writable:
            return table
        try:
            return self._write(keys, table)
        except OSError as error:
            self._writable = False
            warnings.warn(
                CacheWarning(
                    f"Features could not be kept in {self.folder} ({_reason(error)}), so that the next run has to "
                    "compute them again.",
                    f"Let {VARIABLE} name another folder or {LIMIT_VARIABLE} allow more, or switch this off by "
                    "cache=False.",
                ),
                stacklevel=2,
            )
            return table

    def _write(self, keys: Sequence[bytes], table: Table) -> Table:
        small = self._many_small_shards() if table.nbytes < SMALL_BYTES else []
        keys, table = _joined(keys, table, small)
        root = self.folder.parent
        if not make_room(root, shard_bytes(len(table), self._n_features, self._dtype)):
            raise OSError(f"more than {LIMIT_VARIABLE} allows")
        features = write_shard(self.folder, self._key, keys, table).features()
        for shard in small:
            remove(shard.file)
        make_room(root)  # Others may have written at the same time.
        return features

    def _many_small_shards(self) -> list[Shard]:
        small = [file.path for file in files_in(self.folder) if file.whole and file.bytes < SMALL_BYTES]
        shards = [open_shard(file) for file in small if file not in mapped] if len(small) >= MANY else []
        return [shard for shard in shards if shard is not None and self._is_mine(shard)]


def _joined(keys: Sequence[bytes], table: Table, shards: Sequence[Shard]) -> tuple[Sequence[bytes], Table]:
    """Append the rows of shards to a table, each scan once."""
    known, tables = dict.fromkeys(keys), [table]
    keys = list(keys)
    for shard in shards:
        with suppress(OSError):  # removed by now
            rows = {key: row for key, row in shard.sound_rows().items() if key not in known}
            known |= dict.fromkeys(rows)
            keys += rows
            tables.append(shard.features()[list(rows.values())])
    return keys, np.concatenate(tables)


def _no_room(rows: int, needed: int, left: str, remedy: str) -> NoRoomError:
    return NoRoomError(
        f"The features of {rows:,} scans need {needed / 1e9:.1f} GB, and {left}.",
        f"{remedy}, halve them by cache='float16', or hold them in memory by cache=False.",
    )


def _reason(error: OSError) -> str:
    """Say in the operating system's words what is wrong."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return cause.strerror or str(cause)
