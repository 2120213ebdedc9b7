"""Store: features on disk, computed once for all runs and processes that need them."""

from __future__ import annotations

import hashlib
import io
import shutil
import time
import uuid
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from octlib._files import PART, written_whole
from octlib.features.rows import Shard, StoredRows

SHARD_BYTES = 64 * 2**20  # of features held back before they are written
SHARD_SECONDS = 60.0  # of work that a killed process may lose
ABANDONED = 86_400.0  # seconds after which a part of a file belongs to no living process


class FeatureStore:
    """The features of one backbone: a folder of shards, files that are written whole and never changed.

    A row holds the key of a scan, its features, and a digest of both and of the backbone's key, so that damaged and
    foreign rows are known for what they are. Processes may read and write one store at the same time; at worst they
    compute the same rows twice.

    Args:
        folder: where; made when the first shard is written.
        key: of the backbone.
        n_features: length of a row.
        dtype: ``"float32"`` or ``"float16"``.
    """

    def __init__(self, folder: Path, key: str, n_features: int, dtype: str = "float32") -> None:
        self.folder = folder
        self._key = bytes.fromhex(key)
        self._row = np.dtype([("scan", "u1", 32), ("check", "u1", 8), ("features", dtype, n_features)])
        self._shards: list[Shard] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        self._held_back: list[Shard] = []
        self._last_written = time.monotonic()
        self._writable = True

    def find(self, keys: Sequence[bytes]) -> None:
        """Look for rows on disk, and check those that are there.

        Args:
            keys: of scans.
        """
        wanted = set(keys) - self._places.keys()
        for file in self._files():
            if not wanted:
                return
            shard = self._open(file)
            if shard is not None:
                found = self._rows_of(shard, wanted)
                self._enter(shard, found)
                wanted -= found.keys()

    def missing(self, keys: Sequence[bytes]) -> list[int]:
        """Return the positions of the keys without a row, each key once."""
        first = {key: position for position, key in reversed(list(enumerate(keys)))}
        return sorted(position for key, position in first.items() if key not in self._places)

    def require_space(self, rows: int) -> None:
        """Refuse work whose results would find no room.

        Args:
            rows: how many are to come.

        Raises:
            OSError: if they are too many to be held in memory, and the disk has less room than they need.
        """
        needed = rows * self._row.itemsize
        try:
            existing = next(parent for parent in (self.folder, *self.folder.parents) if parent.exists())
            free = shutil.disk_usage(existing).free
        except OSError:  # closed to this user, as writing will say
            return
        if needed > max(free, SHARD_BYTES):
            raise OSError(
                f"The features of {rows:,} scans need {needed / 1e9:.1f} GB, and {existing} has {free / 1e9:.1f} GB "
                "left. Let OCTLIB_CACHE name a folder on a larger disk, halve them by cache='float16', or hold them "
                "in memory by cache=False."
            )

    def add(self, keys: Sequence[bytes], features: np.ndarray) -> None:
        """Add rows; they are written when there are enough of them, or after a minute, or by ``flush``.

        Args:
            keys: of scans.
            features: float32 (n, features).

        Raises:
            ValueError: if a value is too large for float16.
        """
        shard = np.zeros(len(keys), self._row)
        with np.errstate(over="ignore"):
            shard["features"] = features
        if np.isinf(shard["features"]).any() and not np.isinf(features).any():
            raise ValueError("These features exceed the range of float16, ±65,504. Use cache=True.")
        checks = [self._check(key, row) for key, row in zip(keys, shard["features"], strict=True)]
        shard["scan"] = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 32)
        shard["check"] = np.frombuffer(b"".join(checks), np.uint8).reshape(-1, 8)
        self._held_back.append(shard)
        size = sum(part.nbytes for part in self._held_back)
        if size >= SHARD_BYTES or time.monotonic() - self._last_written > SHARD_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what has been held back; where that fails, keep it in memory and say so once."""
        if not self._held_back:
            return
        shard = np.concatenate(self._held_back)
        self._held_back = []
        self._last_written = time.monotonic()
        self._enter(self._written(shard), {bytes(key): row for row, key in enumerate(shard["scan"])})

    def rows(self, keys: Sequence[bytes]) -> StoredRows:
        """Return the features of scans, all of which must have been found or added.

        Args:
            keys: of scans, in the order that is wanted.

        Returns:
            Rows that are read when asked for.
        """
        self.flush()
        places = np.array([self._places[key] for key in keys], np.int64).reshape(-1, 2)
        return StoredRows(tuple(self._shards), places, self._row["features"].shape[0])

    def _files(self) -> list[Path]:
        try:
            return sorted(self.folder.glob("*.npy"))
        except OSError:  # closed to this user, as writing will say
            return []

    def _open(self, file: Path) -> Shard | None:
        """Open a shard; what differs from what ``_write`` writes, in its header or its length, is none."""
        try:
            rows, rest = divmod(file.stat().st_size - len(self._header(0)), self._row.itemsize)
            with file.open("rb") as content:
                if rest or rows < 1 or content.read(len(self._header(rows))) != self._header(rows):
                    return None
            return self._mapped(file, rows)
        except (OSError, ValueError):  # no file, or removed by now
            return None

    def _header(self, rows: int) -> bytes:
        """Make the header of a .npy file; comparing is safer than to parse whatever may lie there."""
        header = io.BytesIO()
        content = {"descr": np.lib.format.dtype_to_descr(self._row), "fortran_order": False, "shape": (rows,)}
        np.lib.format.write_array_header_1_0(header, content)
        return header.getvalue()

    def _mapped(self, file: Path, rows: int) -> Shard:
        return np.memmap(file, self._row, mode="r", offset=len(self._header(rows)), shape=(rows,))

    def _rows_of(self, shard: Shard, wanted: set[bytes]) -> dict[bytes, int]:
        keys = [bytes(key) for key in np.asarray(shard["scan"])]
        return {
            key: row
            for row, key in enumerate(keys)
            if key in wanted and bytes(shard[row]["check"]) == self._check(key, shard[row]["features"])
        }

    def _check(self, key: bytes, features: np.ndarray) -> bytes:
        return hashlib.blake2b(key + features.tobytes(), digest_size=8, key=self._key).digest()

    def _enter(self, shard: Shard, rows: dict[bytes, int]) -> None:
        self._shards.append(shard)
        self._places |= {key: (len(self._shards) - 1, row) for key, row in rows.items()}

    def _written(self, shard: Shard) -> Shard:
        """Write a shard and give it back from disk, or as it is."""
        if not self._writable:
            return shard
        try:
            return self._write(shard)
        except OSError as error:
            self._writable = False
            warnings.warn(
                f"Features could not be kept in {self.folder} ({_reason(error)}), so that the next run has to compute "
                "them again. Let OCTLIB_CACHE name another folder, or switch this off by cache=False.",
                UserWarning,
                stacklevel=2,
            )
            return shard

    def _write(self, shard: Shard) -> Shard:
        for part in self.folder.glob(f".*{PART}*"):
            with suppress(OSError):  # of another process, perhaps, that has just finished it
                if time.time() - part.stat().st_mtime > ABANDONED:
                    part.unlink()
        file = self.folder / f"{uuid.uuid4().hex}.npy"
        with written_whole(file) as path, path.open("wb") as target:
            target.write(self._header(len(shard)))
            target.write(shard.view(np.uint8).data)  # np.save would hide why the disk refuses
        return self._mapped(file, len(shard))


def _reason(error: OSError) -> str:
    """Say in the operating system's words what is wrong."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return cause.strerror or str(cause)
