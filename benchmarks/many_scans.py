"""Many scans: seconds and peak of memory of reading them for training, of an audit, and of its search for near copies.

Usage: python benchmarks/many_scans.py [--scans 10000 30000 100000] [--size 256]

Writes that many JPEGs to a temporary folder: phantoms, each with a coarse texture of its own, so that none are copies.
Each task runs in a process of its own. Ten thousand scans take three minutes on two cores, and 150 MB of disk.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

import octlib
from octlib.data.likeness import thumbnail
from octlib.data.near_pairs import near_pairs

Result = TypeVar("Result")
CHUNK = 1000  # scans that a process writes at once


def main() -> None:
    """Write scans, and let each task be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", nargs="+", type=int, default=[10_000, 30_000, 100_000])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        TASKS[arguments.task](octlib.load_oct_dataset(arguments.folder))
        return
    for n in arguments.scans:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "CNV").mkdir()
            with ProcessPoolExecutor() as pool:
                list(pool.map(partial(write, folder, n, arguments.size), range(0, n, CHUNK)))
            for task in TASKS:
                print(f"{n:,} scans, ", end="", flush=True)
                subprocess.run([sys.executable, __file__, "--task", task, "--folder", folder], check=True)


def write(folder: str, n: int, size: int, start: int) -> None:
    """Write the scans from number ``start`` on, five of a patient."""
    phantoms = octlib.load_oct_dataset("phantoms").sample(240).images(size)
    for number in range(start, min(start + CHUNK, n)):
        rough = np.random.default_rng(number).normal(1, 0.5, (32, 32)).astype(np.float32)
        scan = phantoms[number % len(phantoms)] * np.asarray(Image.fromarray(rough).resize((size, size)))
        image = Image.fromarray(np.clip(scan, 0, 255).astype(np.uint8))
        image.save(f"{folder}/CNV/CNV-{number // 5}-{number}.jpeg", quality=85)


def read(scans: octlib.OctDataset) -> None:
    """Read all scans in batches, as training does."""
    measured("read", lambda: sum(len(batch) for batch in scans.batches(224)), len(scans))


def audit(scans: octlib.OctDataset) -> None:
    """Audit all scans."""
    found = measured("audit", scans.audit, len(scans))
    print("  found:", {kind: count for kind, count in found.counts.items() if count} or "nothing")


def search(scans: octlib.OctDataset) -> None:
    """Search for near copies alone."""
    thumbnails = np.stack([thumbnail(scan.read()) for scan in scans])
    measured("near copies alone", lambda: near_pairs(thumbnails), len(scans))


def measured(task: str, work: Callable[[], Result], n: int) -> Result:
    """Print the seconds that something takes, and the process's peak of memory since it began."""
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{task}: {seconds:.1f} s, {1000 * seconds / n:.2f} ms a scan, peak {peak:.0f} MB", flush=True)
    return result


TASKS: dict[str, Callable[[octlib.OctDataset], None]] = {"read": read, "audit": audit, "search": search}


if __name__ == "__main__":
    main()
