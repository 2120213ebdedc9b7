"""Frozen memory: how the peak memory of a frozen fit grows with the number of scans.

Usage: OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/frozen_memory.py [--scans 1000 20000]

Scans of FOLDER are repeated under new names, with one byte appended to each file so that no two have the same content;
each number of scans is fitted in a process of its own with an empty store. Takes a few minutes and 2 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path


def repeat(source: Path, target: Path, n: int) -> None:
    """Fill class folders with n different copies of the files of another."""
    files = sorted(source.glob("*/*.jpeg"))
    for number in range(n):
        file = files[number % len(files)]
        folder = target / file.parent.name
        folder.mkdir(exist_ok=True)
        # What stands behind the end of a JPEG does not change its pixels.
        (folder / f"{file.parent.name}-{number}-1.jpeg").write_bytes(file.read_bytes() + number.to_bytes(4))


def fit(folder: str) -> None:
    """Fit a frozen classifier on a folder; print the peak memory in MB."""
    import octlib

    scans = octlib.load_oct_dataset(folder)
    classifier = octlib.build_classifier(
        "mobilenetv2_100", weights=os.environ["OCTLIB_WEIGHTS"], image_size=100, class_names=scans.class_names
    )
    octlib.fit(classifier, scans, epochs=3, progress=False)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def peak(n: int) -> float:
    """Measure one number of scans in a process of its own."""
    with tempfile.TemporaryDirectory() as scans, tempfile.TemporaryDirectory() as cache:
        repeat(Path(os.environ["OCTLIB_KERMANY"]), Path(scans), n)
        command = [sys.executable, __file__, "--fit", scans]
        environment = {**os.environ, "OCTLIB_CACHE": cache}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    """Print the peak for each number of scans, and the growth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, nargs="+", default=[1000, 20_000])
    parser.add_argument("--fit", metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fit:
        fit(arguments.fit)
        return
    peaks = []
    for n in arguments.scans:
        peaks.append(peak(n))
        print(f"{n:7,} scans: peak {peaks[-1]:.0f} MB", flush=True)
    print(f"growth: {peaks[-1] - peaks[0]:.0f} MB")


if __name__ == "__main__":
    main()
