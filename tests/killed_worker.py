"""Worker: what ``test_killed.py`` breaks off. It imports octlib once, and forks a process for each task."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import octlib
from octlib.features import extract_features, store
from octlib.models import saving
from octlib.models.keras_backend import keras
from octlib.models.state import take_state

NAMES = ["CNV", "DME", "DRUSEN", "NORMAL"]


started: Callable[[], None]  # called by a task when it begins with what is to be broken off


def scans_in(folder: Path) -> Any:
    pixels = np.load(folder / "pixels.npy")
    labels = [NAMES[number % 4] for number in range(len(pixels))]
    patients = [f"p{number}" for number in range(len(pixels))]
    return octlib.load_oct_dataset((pixels, labels, patients), class_names=NAMES)


def save_in_turns(folder: Path, target: str) -> None:
    """Overwrite one classifier by another, again and again."""
    classifiers = [octlib.load_classifier(folder / name) for name in ("one", "other")]
    started()
    while True:
        for classifier in classifiers:
            classifier.save(folder / target, overwrite=True)


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def save_anew(folder: Path, *, death: int | None = None) -> None:
    """Save classifiers where there are none; perhaps die while the one with this number is written."""
    classifier = octlib.load_classifier(folder / "one")
    started()
    for number in range(10**9):
        if number == death:
            saving.model_card = die
        classifier.save(folder / "new" / f"{os.getpid()}-{number}")


def fill_store(folder: Path, *, death: int | None = None) -> None:
    """Fill a store, clear it, and fill it again; perhaps die after so many batches have passed."""
    store.SHARD_BYTES = 1  # every batch becomes a file
    os.environ["OCTLIB_CACHE"] = str(folder / "cache")
    classifier, scans = octlib.load_classifier(folder / "one"), scans_in(folder)
    passed: list[int] = []

    def count(_: Any, __: Any, features: Any) -> None:
        passed.append(len(features))
        if len(passed) == death:
            die()

    classifier.backbone.module.register_forward_hook(count)
    started()
    while True:
        extract_features(classifier, scans, batch_size=2, progress=False)
        shutil.rmtree(folder / "cache")


class Death(keras.callbacks.Callback):
    """Kills its own process after a batch of an epoch."""

    def __init__(self, epoch: int, batch: int) -> None:
        super().__init__()
        self.when = (epoch, batch)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self.epoch, batch) == self.when:
            die()


def fit(folder: Path, *, freeze: bool, epochs: int, checkpoint: str | None, death: list[int] | None = None) -> None:
    """Train, with a checkpoint or without, and write down what came out."""
    os.environ["OCTLIB_CACHE"] = str(folder / "cache")
    scans = scans_in(folder)
    classifier = octlib.build_classifier("test_resnet", freeze, weights=None, image_size=32, dropout=0.3)
    started()
    history = octlib.fit(
        classifier,
        scans.subset(range(18)),
        scans.subset(range(18, 24)),
        epochs=epochs,
        batch_size=8,
        checkpoint=checkpoint and folder / checkpoint,
        resume=checkpoint is not None,
        callbacks=[Death(*death)] if death else [],
        progress=False,
    )
    with (folder / "result.part").open("wb") as file:
        np.savez(file, **take_state(classifier))
    (folder / "result.part").replace(folder / "result.npz")
    figures = [{name: value for name, value in epoch.items() if name != "seconds"} for epoch in history.epochs]
    (folder / "history.json").write_text(json.dumps([history.best_epoch, figures]), encoding="utf-8")


TASKS: dict[str, Callable[..., None]] = {task.__name__: task for task in (save_in_turns, save_anew, fill_store, fit)}


def run(task: str, folder: str, arguments: dict[str, Any], kill_after: float | None) -> int:
    """Run a task in a process of its own, kill it so many seconds after it has started, and return its exit status."""
    global started  # noqa: PLW0603 - in the child alone
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            started = lambda: os.write(writer, b"!")  # noqa: E731
            TASKS[task](Path(folder), **arguments)
        except BaseException:  # noqa: BLE001 - a child must not go on with its parent's loop
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)  # until it has been waited for, the number is its own
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Read orders, one a line, and answer each with an exit status."""
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        print(run(*json.loads(line)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
