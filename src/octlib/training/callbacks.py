"""Callbacks: record each epoch, keep the best one, show progress."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from octlib._progress import progress as progress_bar
from octlib.models.keras_backend import keras
from octlib.training.state import State

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")


def learning_rate(model: Any) -> float:
    """Return the learning rate at which a model's optimizer stands."""
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


class Recorder(keras.callbacks.Callback):
    """Records the metrics of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[dict[str, float]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the metrics down."""
        logs = {name: float(value) for name, value in (logs or {}).items()}
        metrics = {name: logs[name] for name in METRICS if name in logs}
        others = {name: value for name, value in logs.items() if name not in (*METRICS, "learning_rate")}
        seconds = time.perf_counter() - self._started
        rate = learning_rate(self.model)
        self.epochs.append({"epoch": epoch + 1, **metrics, "learning_rate": rate, "seconds": seconds, **others})


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the lowest validation loss; without validation scans, the last ones.

    Keras's own ``EarlyStopping(restore_best_weights=True)`` knows nothing of BatchNorm's statistics in a torch module.

    Args:
        result: the weights.

    Attributes:
        weights: of the best epoch; ``None`` before there is one.
        loss: of the best epoch.
        epoch: its number, from 1; without validation scans, that of the last one.
    """

    def __init__(self, result: State) -> None:
        super().__init__()
        self._result = result
        self.weights: dict[str, np.ndarray] | None = None
        self.loss = math.inf
        self.epoch = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare, and keep what is better."""
        loss = (logs or {}).get("val_loss")
        if loss is None:
            self.epoch = epoch + 1
        elif self.weights is None or loss < self.loss:
            # A loss that is no number is worse than any.
            self.loss = math.inf if math.isnan(loss) else loss
            self.epoch, self.weights = epoch + 1, self._result.take()

    def remember(self, weights: dict[str, np.ndarray]) -> None:
        """Take over the best weights of a run that goes on after a break, if it has any."""
        self.weights = weights or None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Put the best weights back after training, when no callback of the user's can undo it.

        A training that is broken off, by Ctrl-C or an error, leaves the best epoch so far as well, and says so.
        """
        try:
            yield
        except BaseException as error:
            if self.weights is not None:
                error.add_note(f"The classifier has the weights of epoch {self.epoch}, the best so far.")
            raise
        finally:
            if self.weights is not None:
                self._result.put(self.weights)


class EpochBar(keras.callbacks.Callback):
    """Shows a progress bar over the batches of all epochs.

    Args:
        steps: batches in all.
        show: as for every progress bar of octlib.
    """

    def __init__(self, steps: int, show: bool | None) -> None:
        super().__init__()
        self._total, self._show = steps, show

    def on_train_begin(self, logs: Any = None) -> None:
        """Draw the bar."""
        self._steps = iter(progress_bar(range(self._total), title="training", show=self._show))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move it on."""
        next(self._steps, None)

    def on_train_end(self, logs: Any = None) -> None:
        """Take it away, however early training ended."""
        close = getattr(self._steps, "close", None)
        if close is not None:
            close()
