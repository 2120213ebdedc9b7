"""Store look-up: how long it takes to find stored features among many files.

Usage: python benchmarks/store_lookup.py [--rows 100000] [--shards 1000] [--features 1280]

Writes rows at random to a temporary store, then finds and reads 100 of them, that lie in 1 file or in 100, and all of
them. Nobody clears the operating system's own cache in between, so that the times are those of a busy machine's memory.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

import numpy as np

from octlib.features.store import FeatureStore

KEY = "ab" * 32


def scan_key(number: int) -> bytes:
    """Give the key of a scan that there isn't."""
    return hashlib.sha256(str(number).encode()).digest()


def fill(folder: Path, rows: int, shards: int, features: int) -> None:
    """Write rows in as many files as asked for."""
    rng = np.random.default_rng(0)
    store = FeatureStore(folder, KEY, features)
    for part in np.array_split(np.arange(rows), shards):
        store.add([scan_key(number) for number in part], rng.normal(size=(len(part), features)).astype(np.float32))
        store.flush()


def milliseconds(folder: Path, numbers: range, features: int) -> float:
    """Measure finding and reading rows; the median of five times."""
    keys, times = [scan_key(number) for number in numbers], []
    for _ in range(5):
        started = time.perf_counter()
        store = FeatureStore(folder, KEY, features)
        store.find(keys)
        store.rows(keys)[:]
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times))


def main() -> None:
    """Print a line for each look-up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--features", type=int, default=1280)
    arguments = parser.parse_args()
    rows, shards, features = arguments.rows, arguments.shards, arguments.features
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder) / "store", rows, shards, features)
        print(f"{rows:,} rows of {features} in {shards:,} files")
        for what, numbers in (
            ("100 rows of 1 file", range(100)),
            ("100 rows of 100 files", range(0, rows, rows // 100)),
            ("all rows", range(rows)),
        ):
            print(f"{what}: {milliseconds(Path(folder) / 'store', numbers, features):,.0f} ms", flush=True)


if __name__ == "__main__":
    main()
