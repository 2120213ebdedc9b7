"""Shards: the files of the store, which are written whole and never changed.

A shard holds, one after the other: ``HEAD``, which says what it is; an ``ENTRY`` for each row, the scan's key and a
digest of all that belongs to the row; and the features. So the index of a shard lies at its beginning, is written with
it, and can neither get lost nor be of another file: whoever looks for scans reads 40 bytes a row, and maps only the
shards that have some of them. Nothing is locked, nothing is shared but whole files, which is what network file systems
are good at.
"""

from __future__ import annotations

import hashlib
import re
import struct
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from octlib._files import written_whole

SUFFIX = ".features"
NAME = re.compile(r"[0-9a-f]{32}\.features")
PART_NAME = re.compile(r"\.[0-9a-f]{32}-[0-9a-f]{8}\.part\.features")  # a shard that is, or was, being written
MAGIC = b"octlib features\n"
HEAD = struct.Struct("<16s32sQII")  # magic, the backbone's key, rows, length of a row, bytes of a number
ENTRY = struct.Struct("32s8s")  # the scan's key, the row's digest
DTYPES: dict[int, np.dtype[Any]] = {2: np.dtype("<f2"), 4: np.dtype("<f4")}

Table = NDArray[Any]  # (rows, features), in memory or memory-mapped

# What this process has mapped and still holds: its own limit must not take it away.
mapped: WeakValueDictionary[Path, Table] = WeakValueDictionary()


@dataclass(frozen=True, eq=False, repr=False)
class Shard:
    """The head and the index of a shard.

    Args:
        file: where it lies.
        key: of the backbone, 32 bytes.
        dtype: of the features.
        n_features: length of a row.
        index: the entries of all rows.
    """

    file: Path
    key: bytes
    dtype: np.dtype[Any]
    n_features: int
    index: bytes

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.index) // ENTRY.size

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the scan's key and the digest of each row."""
        return ENTRY.iter_unpack(self.index)

    def features(self) -> Table:
        """Map the features, or give them as this process has mapped them already.

        Returns:
            (rows, features), read from disk when asked for.

        Raises:
            OSError: if the file is gone.
        """
        found = mapped.get(self.file)
        if found is None:
            start = HEAD.size + len(self.index)
            found = np.memmap(self.file, self.dtype, "r", start, (len(self), self.n_features))
            mapped[self.file] = found
        return found

    def sound_rows(self, wanted: set[bytes] | None = None) -> dict[bytes, int]:
        """Find the rows whose digest is right.

        Args:
            wanted: keys of scans; ``None`` means all.

        Returns:
            For each key its row.

        Raises:
            OSError: if the file is gone.
        """
        # Who has none of them is not mapped.
        rows = [(row, *entry) for row, entry in enumerate(self.entries()) if wanted is None or entry[0] in wanted]
        table = np.asarray(self.features()) if rows else None  # A memmap's own rows are slow to make.
        return {
            scan: row
            for row, scan, check in rows
            if table is not None and check == row_digest(self.key, scan, table[row])
        }


def open_shard(file: Path) -> Shard | None:
    """Read the head and the index of a shard.

    Args:
        file: which may be anything.

    Returns:
        The shard, or ``None`` if the file is none, has another length than its head says, or is gone.
    """
    try:
        with file.open("rb") as content:
            size = content.seek(0, 2)
            content.seek(0)
            magic, key, rows, n_features, item = HEAD.unpack(content.read(HEAD.size))
            if magic != MAGIC or item not in DTYPES or rows < 1:
                return None
            if size != HEAD.size + rows * (ENTRY.size + n_features * item):
                return None
            index = content.read(rows * ENTRY.size)
    except (OSError, struct.error):  # gone, closed to this user, or shorter than a head
        return None
    return Shard(file, key, DTYPES[item], n_features, index)


def write_shard(folder: Path, key: bytes, scans: Sequence[bytes], features: Table) -> Shard:
    """Write a shard, whole or not at all.

    Args:
        folder: where; it is made if there is none.
        key: of the backbone, 32 bytes.
        scans: keys of the scans, 32 bytes each.
        features: float32 or float16 (scans, features).

    Returns:
        The shard.

    Raises:
        OSError: if it can't be written.
    """
    index = b"".join(ENTRY.pack(scan, row_digest(key, scan, row)) for scan, row in zip(scans, features, strict=True))
    file = folder / f"{uuid.uuid4().hex}{SUFFIX}"
    head = HEAD.pack(MAGIC, key, len(features), features.shape[1], features.itemsize)
    with written_whole(file) as path, path.open("wb") as target:
        target.write(head + index)
        target.write(np.ascontiguousarray(features).view(np.uint8).data)
    return Shard(file, key, features.dtype, features.shape[1], index)


def shard_bytes(rows: int, n_features: int, dtype: np.dtype[Any]) -> int:
    """Compute how large a shard is.

    Args:
        rows: how many it has.
        n_features: length of a row.
        dtype: of the features.

    Returns:
        Bytes.
    """
    return HEAD.size + rows * (ENTRY.size + n_features * dtype.itemsize)


def row_digest(key: bytes, scan: bytes, features: Table) -> bytes:
    """Digest what belongs to a row: the backbone, the scan, and the features.

    Args:
        key: of the backbone, 32 bytes.
        scan: key of the scan, 32 bytes.
        features: (features,).

    Returns:
        8 bytes.
    """
    digest = hashlib.blake2b(scan, digest_size=8, key=key)
    digest.update(np.ascontiguousarray(features).view(np.uint8).data)
    return digest.digest()
