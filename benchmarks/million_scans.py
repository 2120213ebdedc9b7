"""Measure a dataset of a million scans: seconds and memory of building, split, subset and to_frame; reading, training.

Needs nothing but octlib: the paths of the million lead to a thousand tiny images. Where OCTLIB_KERMANY names a folder
of Kermany's class folders, images per second of reading it at 224 px and of fine-tuning octlib's own backbone come too.

    python benchmarks/million_scans.py [--scans 1000000]
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from PIL import Image

import octlib

Result = TypeVar("Result")
CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")
FILES, SCANS_OF_A_PATIENT = 1000, 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=1_000_000)
    n = parser.parse_args().scans
    print(f"{'imports':<24}{'':>8}  peak {peak():>6.0f} MB")
    with tempfile.TemporaryDirectory() as folder:
        frame = measured("the frame itself", lambda: make_frame(Path(folder), n))
        start = time.perf_counter()
        scans = measured("build from the frame", lambda: octlib.load_oct_dataset(frame))
        measured("split by patient", lambda: scans.split(seed=0))
        measured("subset of a half", lambda: scans.subset(np.arange(0, n, 2)))
        measured("to_frame", scans.to_frame)
        print(f"{'in all':<24}{time.perf_counter() - start:>6.1f} s")
    columns = np.zeros((n, 4, 4), np.uint8), np.arange(n) % 4, np.arange(n) // SCANS_OF_A_PATIENT
    measured("build from arrays", lambda: octlib.load_oct_dataset(columns, class_names=CLASSES))
    if "OCTLIB_KERMANY" in os.environ:
        measure_reading(os.environ["OCTLIB_KERMANY"])
        measure_training(os.environ["OCTLIB_KERMANY"])


def make_frame(folder: Path, n: int) -> pd.DataFrame:
    """Make a table of n rows, in which every path is a text of its own and leads to one of a thousand images."""
    for number in range(FILES):
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(folder / f"CNV-{number}-1.png")
    numbers = np.arange(n)
    return pd.DataFrame(
        {
            "name": [f"OCT2017/train/CNV/CNV-{number}-1.png" for number in range(n)],
            "path": [f"{folder}/CNV-{number % FILES}-1.png" for number in range(n)],
            "label": np.array(CLASSES)[numbers // SCANS_OF_A_PATIENT % 4],
            "patient": numbers // SCANS_OF_A_PATIENT,
            "position": numbers % SCANS_OF_A_PATIENT,
        }
    )


def measure_reading(folder: str) -> None:
    """Read real scans three times at 224 px, and print the best."""
    scans = octlib.load_oct_dataset(folder)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        scans.images(224)
        seconds.append(time.perf_counter() - start)
    print(f"{'reading at 224 px':<24}{len(scans) / min(seconds):>6.0f} images/s ({len(scans)} scans)")


def measure_training(folder: str) -> None:
    """Fine-tune for an epoch on real scans, reading included, and print how fast."""
    scans = octlib.load_oct_dataset(folder)
    classifier = octlib.build_classifier("octlib", freeze=False, class_names=scans.class_names)
    start = time.perf_counter()
    octlib.fit(classifier, scans, epochs=1, progress=False)
    rate = len(scans) / (time.perf_counter() - start)
    print(f"{'fine-tuning at 224 px':<24}{rate:>6.1f} images/s ({len(scans)} scans, an epoch)")


def measured(what: str, work: Callable[[], Result]) -> Result:
    """Do something, and print the seconds that it took and the process's peak of memory so far."""
    start = time.perf_counter()
    result = work()
    print(f"{what:<24}{time.perf_counter() - start:>6.1f} s  peak {peak():>6.0f} MB")
    return result


def peak() -> float:
    """Give the process's peak of memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
