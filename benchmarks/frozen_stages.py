"""Frozen stages: what an epoch of fine-tuning costs where the first stages of a backbone stay as they are.

Usage: OMP_NUM_THREADS=1 python benchmarks/frozen_stages.py [--backbone vit_small_patch16_224] [--stages 1 2 4]

Phantoms (seed 0) and random weights: nothing here depends on what was learnt. For each number of stages that learn: the
first fit, which fills the store, and seconds an epoch from the store; beside them what the trained part alone takes for
as many steps on rows that lie in memory, and an epoch through the whole network. Medians of the epochs but the first.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
import timm
import torch
from safetensors.torch import save_file

import octlib
from octlib.models.cut_classifier import cut_classifier
from octlib.models.keras_backend import keras
from octlib.training.compiling import adamw
from octlib.training.finetuning import LogitModel

BATCH = 32


class Clock(keras.callbacks.Callback):
    """Takes the time of every epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        """Start."""
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        """Stop."""
        self.seconds.append(time.perf_counter() - self._started)


def classifier_of(name: str, weights: Path, stages: int) -> octlib.models.OctClassifier:
    """Build a classifier of which some stages learn."""
    classifier = octlib.build_classifier(name, weights=weights)
    classifier.unfreeze(stages)
    return classifier


def epochs_of(classifier: octlib.models.OctClassifier, scans: octlib.OctDataset, augment: bool | None) -> list[float]:
    """Fit for four epochs, and return the seconds of the last three."""
    clock = Clock()
    octlib.fit(classifier, scans, epochs=4, batch_size=BATCH, augment=augment, callbacks=[clock], progress=False)
    return clock.seconds[1:]


def part_alone(classifier: octlib.models.OctClassifier, n: int) -> list[float]:
    """Train the part that learns on random rows in memory, as many steps as an epoch has."""
    cut = cut_classifier(classifier)
    model = LogitModel(classifier, cut)
    model.compile(adamw(1e-5), keras.losses.CategoricalCrossentropy(from_logits=True))
    rows = np.random.default_rng(0).random((n, cut.n_values), np.float32)
    targets = np.eye(len(classifier.class_names), dtype=np.float32)[np.arange(n) % len(classifier.class_names)]
    clock = Clock()
    model.fit(rows, targets, batch_size=BATCH, epochs=4, verbose=0, callbacks=[clock])
    return clock.seconds[1:]


def main() -> None:
    """Print a row for each number of stages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="vit_small_patch16_224")
    parser.add_argument("--stages", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--scans", type=int, default=128)
    arguments = parser.parse_args()
    print({name: version(name) for name in ("octlib", "keras", "timm", "torch")}, arguments)
    scans = octlib.load_oct_dataset("phantoms").sample(arguments.scans)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        torch.manual_seed(0)
        save_file(timm.create_model(arguments.backbone, num_classes=0).state_dict(), weights)
        for stages in arguments.stages:
            started = time.perf_counter()
            octlib.fit(classifier_of(arguments.backbone, weights, stages), scans, epochs=1, progress=False)
            first = time.perf_counter() - started
            stored = median(epochs_of(classifier_of(arguments.backbone, weights, stages), scans, augment=None))
            alone = median(part_alone(classifier_of(arguments.backbone, weights, stages), len(scans)))
            whole = median(epochs_of(classifier_of(arguments.backbone, weights, stages), scans, augment=True))
            print(
                f"{stages} stages: first fit {first:.1f} s; an epoch from the store {stored:.2f} s, "
                f"{stored / alone:.2f} of the part alone ({alone:.2f} s), {stored / whole:.2f} of the whole "
                f"({whole:.2f} s)"
            )


if __name__ == "__main__":
    main()
