"""Backend speed: seconds of the frozen pass and of a fine-tuning epoch, on the backend that Keras runs on.

Usage: KERAS_BACKEND=jax OCTLIB_KERMANY=FOLDER OCTLIB_WEIGHTS=TIMM_FOLDER python benchmarks/backend_speed.py

FOLDER has class folders of Kermany scans, TIMM_FOLDER the ImageNet weights of mobilenetv2_100. The first pass and the
first epoch compile; the second ones show what every other takes. With --fold, a fold by patient is fine-tuned by
octlib's defaults, and with --steps the losses of the first ten steps on the same augmented batches are printed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import octlib
from octlib.models.keras_backend import keras

BATCH = 32


def seconds(function: Callable[[], Any]) -> float:
    """Return how long something takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def build(*, freeze: bool) -> octlib.OctClassifier:
    """Build the classifier that is measured."""
    return octlib.build_classifier("mobilenetv2_100", freeze, weights=os.environ["OCTLIB_WEIGHTS"])


class Watch(keras.callbacks.Callback):
    """Keeps the seconds of each epoch and the mean loss up to each step."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[float] = []
        self.losses: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Note the loss."""
        self.losses.append(float(logs["loss"]))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop the clock."""
        self.epochs.append(time.perf_counter() - self._started)


def measure_speed(scans: octlib.OctDataset) -> None:
    """Print the seconds of the pass and of an epoch, and what compiling adds."""
    building = seconds(lambda: build(freeze=True))
    classifier = build(freeze=True)
    images = scans.images(classifier.preprocessing)
    batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
    first, second = (seconds(lambda: [classifier.extract(batch) for batch in batches]) for _ in range(2))
    watch = Watch()
    octlib.fit(build(freeze=False), scans, epochs=2, progress=False, callbacks=[watch])
    print(f"build {building:.1f} s; pass {second:.1f} s, the first one {first - second:+.1f} s; ", end="")
    print(f"epoch {watch.epochs[1]:.1f} s, the first one {watch.epochs[0] - watch.epochs[1]:+.1f} s")


def measure_fold(scans: octlib.OctDataset) -> None:
    """Print the accuracy on one fold of patients, with its interval."""
    train, test = scans.folds(5, seed=0)[0]
    classifier = build(freeze=False)
    octlib.fit(classifier, train, progress=False)
    print(octlib.evaluate(classifier, test, progress=False))


class StopAfterTenSteps(keras.callbacks.Callback):
    """Leaves the rest of a training out, whose steps begin as slowly as those of a whole one."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop."""
        self.model.stop_training = batch == 9


def print_losses(scans: octlib.OctDataset, learning_rate: float | None) -> None:
    """Print the loss of each of the first ten steps."""
    watch = Watch()
    callbacks = [watch, StopAfterTenSteps()]
    octlib.fit(build(freeze=False), scans, learning_rate=learning_rate, progress=False, callbacks=callbacks)
    means = np.array(watch.losses)
    steps = np.arange(1, len(means) + 1)
    print("losses", *np.round(np.diff(means * steps, prepend=0), 5))


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fold", action="store_true")
    parser.add_argument("--steps", action="store_true")
    parser.add_argument("--learning-rate", type=float, help="of the steps")
    arguments = parser.parse_args()
    scans = octlib.load_oct_dataset(os.environ["OCTLIB_KERMANY"])
    backend = keras.config.backend()
    print(f"{backend} {__import__(backend).__version__}, keras {keras.__version__}, {len(scans)} scans, batch {BATCH}")
    if arguments.steps:
        print_losses(scans, arguments.learning_rate)
    elif arguments.fold:
        measure_fold(scans)
    else:
        measure_speed(scans)


if __name__ == "__main__":
    main()
