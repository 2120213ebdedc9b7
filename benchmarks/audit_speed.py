"""Audit speed: seconds and peak of memory of the audit of many scans, and of its search for near copies alone.

Usage: python benchmarks/audit_speed.py [--scans 10000] [--size 256]

Writes that many JPEGs to a temporary folder: phantoms, each with a coarse texture of its own, so that none are copies.
Run it with 10,000 and with 100,000 scans to see how time and memory grow.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import octlib
from octlib.data.likeness import thumbnail
from octlib.data.near_pairs import near_pairs


def main() -> None:
    """Write, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=256)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        thumbnails = write(Path(folder), arguments.scans, arguments.size)
        scans = octlib.load_oct_dataset(folder)
        print(f"{arguments.scans:,} scans written; peak {peak():.0f} MB", flush=True)
        start = time.perf_counter()
        near_pairs(thumbnails)
        print(f"search for near copies alone: {time.perf_counter() - start:.1f} s", flush=True)
        del thumbnails
        start = time.perf_counter()
        audit = scans.audit()
        seconds = time.perf_counter() - start
    counts = {kind: count for kind, count in audit.counts.items() if count}
    print(f"audit: {seconds:.1f} s, {1000 * seconds / arguments.scans:.2f} ms a scan; peak {peak():.0f} MB")
    print(f"found: {counts or 'nothing'}")


def write(folder: Path, n: int, size: int) -> np.ndarray:
    """Write n scans; give their thumbnails as uint8 (n, 64, 64)."""
    rng = np.random.default_rng(0)
    phantoms = octlib.load_oct_dataset("phantoms").sample(min(n, 240)).images(size)
    (folder / "CNV").mkdir()
    thumbnails = np.empty((n, 64, 64), dtype=np.uint8)
    for number in range(n):
        texture = Image.fromarray(rng.normal(1, 0.5, (32, 32)).astype(np.float32)).resize((size, size))
        scan = phantoms[number % len(phantoms)] * np.asarray(texture)
        image = Image.fromarray(np.clip(scan, 0, 255).astype(np.uint8))
        image.save(folder / "CNV" / f"CNV-{number // 5}-{number}.jpeg", quality=85)
        thumbnails[number] = thumbnail(np.asarray(image))
    return thumbnails


def peak() -> float:
    """Give the process's peak of memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
