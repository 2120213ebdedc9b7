"""Checkpoint: after each epoch, all that it takes to go on with a run as if nothing had happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from octlib._files import remove_parts, written_whole
from octlib.errors import CheckpointError
from octlib.models.keras_backend import keras
from octlib.models.seeding import random_state, restore_random_state
from octlib.training.callbacks import BestEpoch, Recorder
from octlib.training.state import Arrays, State

FILE = "training.safetensors"


class Checkpoint(keras.callbacks.Callback):
    """Writes one file after each epoch, whole or not at all, and puts its content back when the run goes on.

    Args:
        folder: where the file is kept; made when it is needed.
        resume: go on from the checkpoint, if there is one.

    Raises:
        CheckpointError: if there is a checkpoint, and ``resume`` is false.
    """

    def __init__(self, folder: Path, *, resume: bool) -> None:
        super().__init__()
        self.file = folder / FILE
        if self.file.exists() and not resume:
            raise CheckpointError(
                f"{folder} holds the checkpoint of a run.", "Go on with it by resume=True, or choose another folder."
            )

    def require(self, run: Mapping[str, Any]) -> None:
        """Say what the run is, and refuse the checkpoint of another one.

        Args:
            run: names and values, as JSON can hold them.

        Raises:
            CheckpointError: if there is a checkpoint, and it is damaged or of another run.
        """
        self._run = json.loads(json.dumps(run))  # as it comes back from the file
        if not self.file.exists():
            return
        kept = _read(self.file)[0]["run"]
        differing = sorted(name for name in self._run if kept.get(name) != self._run[name])
        if differing:
            shown = ", ".join(f"{name} {kept.get(name)!r}, now {self._run[name]!r}" for name in differing)
            raise CheckpointError(
                f"{self.file.parent} holds the checkpoint of another run: {shown}.",
                "Use the same scans and arguments, and a classifier built or loaded anew, to go on with it, or choose "
                "another folder.",
            )

    def attach(self, states: Mapping[str, State], recorder: Recorder, best: BestEpoch, epochs: int) -> int:
        """Say what is to be kept, and put back what has been kept.

        Args:
            states: weights, optimizer and whatever else changes.
            recorder: its epochs are kept.
            best: its best epoch so far is kept.
            epochs: of the whole run.

        Returns:
            The number of epochs that are done; all of them if training had been stopped early.
        """
        self._states = {**states, "best": State(lambda: best.weights or {}, best.remember)}
        self._states["random"] = State(random_state, restore_random_state)
        self._recorder, self._best, self._random = recorder, best, None
        if not self.file.exists():
            return 0
        kept, arrays = _read(self.file, arrays=True)
        for name, state in self._states.items():
            state.put({key.partition("/")[2]: arrays[key] for key in arrays if key.partition("/")[0] == name})
        self._random = random_state()
        recorder.epochs += kept["epochs"]
        best.epoch, best.loss = kept["best_epoch"], kept["best_loss"]
        return epochs if kept["stopped"] else len(kept["epochs"])

    def on_train_begin(self, logs: Any = None) -> None:
        """Put the random numbers back where they stood: Keras draws some of them before it begins."""
        if self._random is not None:
            restore_random_state(self._random)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the file."""
        arrays = {f"{name}/{key}": value for name, state in self._states.items() for key, value in state.take().items()}
        kept = {
            "run": self._run,
            "epochs": self._recorder.epochs,
            "best_epoch": self._best.epoch,
            "best_loss": self._best.loss,
            "stopped": bool(self.model.stop_training),
        }
        with written_whole(self.file) as path:
            # Not by save_file, which makes a temporary file of its own that a killed process would leave behind.
            path.write_bytes(save(arrays, {"octlib": json.dumps(kept)}))
        remove_parts(self.file.parent)

    def on_train_end(self, logs: Any = None) -> None:
        """Write it again: callbacks may have changed weights at the end, as ``EarlyStopping`` does."""
        self.on_epoch_end(len(self._recorder.epochs) - 1)


def _read(file: Path, *, arrays: bool = False) -> tuple[dict[str, Any], Arrays]:
    try:
        with safe_open(file, framework="numpy") as content:
            kept = json.loads(content.metadata()["octlib"])
            return kept, {key: content.get_tensor(key) for key in content.keys() if arrays}  # noqa: SIM118 - no dict
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{file} is damaged, or not a checkpoint of octlib: {error}.", "Remove it to start anew."
        ) from error
