"""Frozen speed: what octlib adds to the bare pass through a backbone, and what stored features save.

Usage: OCTLIB_KERMANY=FOLDER python benchmarks/frozen_speed.py [--sizes 100 224] [--repeats 3]

FOLDER has class folders of scans. The yardstick is timm's ResNet-50 in channels_last on random tensors, in the same
process and with the same batch, plus the time to read and preprocess the scans. Weights are random, which costs the
same.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable

import numpy as np
import timm
import torch

import octlib
from octlib.features import extract_features
from octlib.features.extraction import open_store
from octlib.features.keys import scan_keys
from octlib.features.store import FeatureStore

BATCH = 32


def seconds(function: Callable[[], object]) -> float:
    """Measure one call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def bare_pass(model: torch.nn.Module, n: int, size: int) -> None:
    """Pass random tensors through a bare timm model."""
    with torch.inference_mode():
        for start in range(0, n, BATCH):
            batch = torch.rand(min(BATCH, n - start), 3, size, size)
            model(batch.contiguous(memory_format=torch.channels_last))


def frozen_fit(scans: octlib.OctDataset, size: int) -> octlib.OctClassifier:
    """Build a classifier and fit it for ten epochs, with an empty store."""
    os.environ["OCTLIB_CACHE"] = tempfile.mkdtemp()
    classifier = octlib.build_classifier("resnet50", weights=None, image_size=size, class_names=scans.class_names)
    started = time.perf_counter()
    octlib.fit(classifier, scans, epochs=10, batch_size=BATCH, progress=False)
    classifier.seconds = time.perf_counter() - started
    return classifier


def find_and_read(store: FeatureStore, keys: list[bytes]) -> np.ndarray:
    """Find the rows of scans that are known already, check them, and read them."""
    store.find(keys)
    return store.rows(keys)[:]


def measure(scans: octlib.OctDataset, size: int, repeats: int) -> None:
    """Print the medians of several rounds at one size; within a round one comes right after the other."""
    bare = timm.create_model("resnet50", num_classes=0).eval().to(memory_format=torch.channels_last)
    bare_pass(bare, BATCH, size)  # the first batch is slower
    rounds = []
    for _ in range(repeats):
        passing = seconds(lambda: bare_pass(bare, len(scans), size))
        classifier = frozen_fit(scans, size)
        reading = seconds(lambda: list(scans.batches(classifier.preprocessing, BATCH)))  # noqa: B023
        stored = seconds(lambda: extract_features(classifier, scans))  # noqa: B023
        identified = open_store(classifier), scan_keys(scans)
        looking = seconds(lambda: find_and_read(*identified))  # noqa: B023
        rounds.append((passing, reading, classifier.seconds, stored, looking))
    passing, reading, fitting, stored, looking = np.median(rounds, axis=0)
    print(
        f"{size:4d} px: pass {passing:.2f} s, reading {reading:.2f} s, fit of 10 epochs {fitting:.2f} s: "
        f"{fitting / (passing + reading):.2f} times pass and reading\n"
        f"      stored features read in {1000 * looking:.0f} ms, {passing / looking:.0f} times faster than the pass; "
        f"with a look at all weights and files {1000 * stored:.0f} ms, {passing / stored:.0f} times",
        flush=True,
    )


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 224])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    print(f"{len(scans)} scans, resnet50, batch {BATCH}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for size in arguments.sizes:
        measure(scans, size, arguments.repeats)


if __name__ == "__main__":
    main()
