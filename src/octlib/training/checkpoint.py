"""Checkpoint: after each epoch, all that it takes to go on with a run as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from octlib._files import remove_parts, written_whole
from octlib.data import OctDataset
from octlib.models import OctClassifier
from octlib.models.keras_backend import keras
from octlib.models.seeding import random_state, restore_random_state
from octlib.training.callbacks import BestEpoch, Recorder
from octlib.training.parts import Arrays, Part
from octlib.training.recipe import Recipe

FILE = "training.safetensors"


class Checkpoint(keras.callbacks.Callback):
    """Writes one file after each epoch, whole or not at all, and puts its content back when the run goes on.

    Args:
        folder: where the file is kept; made when it is needed.
        run: what the run is: names and numbers. A checkpoint of another run is refused.
        resume: go on from the checkpoint, if there is one.

    Raises:
        FileExistsError: if there is a checkpoint, and ``resume`` is false.
    """

    def __init__(self, folder: Path, run: Mapping[str, Any], *, resume: bool) -> None:
        super().__init__()
        self.file = folder / FILE
        self._run, self._resume = json.loads(json.dumps(run)), resume  # as it comes back from the file
        if self.file.exists() and not resume:
            raise FileExistsError(
                f"{folder} holds the checkpoint of a run. Go on with it by resume=True, or choose another folder."
            )

    def attach(self, parts: Mapping[str, Part], recorder: Recorder, best: BestEpoch) -> int:
        """Say what is to be kept, and put back what has been kept.

        Args:
            parts: weights, optimizer and whatever else changes.
            recorder: its epochs are kept.
            best: its best epoch so far is kept.

        Returns:
            The number of epochs that are done; all of them if training had been stopped early.

        Raises:
            ValueError: if the checkpoint is damaged or belongs to another run.
        """
        self._parts = {**parts, "best": Part(lambda: best.weights or {}, best.remember)}
        self._parts["random"] = Part(random_state, restore_random_state)
        self._recorder, self._best = recorder, best
        return self._put_back() if self._resume and self.file.exists() else 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the file."""
        arrays = {f"{name}/{key}": value for name, part in self._parts.items() for key, value in part.take().items()}
        state = {
            "run": self._run,
            "epochs": self._recorder.epochs,
            "best_epoch": self._best.epoch,
            "best_loss": self._best.loss,
            "stopped": bool(self.model.stop_training),
        }
        with written_whole(self.file) as path:
            # Not by save_file, which makes a temporary file of its own that a killed process would leave behind.
            path.write_bytes(save(arrays, {"octlib": json.dumps(state)}))
        remove_parts(self.file.parent)

    def _put_back(self) -> int:
        state, arrays = _read(self.file)
        differing = sorted(name for name in self._run if state["run"].get(name) != self._run[name])
        if differing:
            shown = ", ".join(f"{name} {state['run'].get(name)!r}, now {self._run[name]!r}" for name in differing)
            raise ValueError(
                f"{self.file.parent} holds the checkpoint of another run: {shown}. Use the same scans and arguments to "
                "go on with it, or choose another folder."
            )
        for name, part in self._parts.items():
            part.put({key.partition("/")[2]: arrays[key] for key in arrays if key.partition("/")[0] == name})
        self._recorder.epochs += state["epochs"]
        self._best.epoch, self._best.loss = state["best_epoch"], state["best_loss"]
        return int(self._run["epochs"]) if state["stopped"] else len(state["epochs"])


def describe_run(
    classifier: OctClassifier, train: OctDataset, validation: OctDataset | None, recipe: Recipe
) -> dict[str, Any]:
    """List what must be the same for a run to go on: classifier, scans and recipe.

    Args:
        classifier: that trains.
        train: the scans that it trains on.
        validation: those that choose the best epoch, or ``None``.
        recipe: how.

    Returns:
        Names and values, as JSON can hold them.
    """
    return {
        **{f"classifier's {name}": value for name, value in classifier.get_config().items()},
        "training_scans": _digest(train),
        "validation_scans": None if validation is None else _digest(validation),
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "learning_rate": recipe.learning_rate,
        "class_weight": None if recipe.class_weight is None else recipe.class_weight.tolist(),
        "logit_adjustment": recipe.log_prior is not None,
        "augment": getattr(recipe.augment, "__name__", None),
        "seed": recipe.seed,
    }


def _digest(scans: OctDataset) -> str:
    """Tell datasets apart by names and labels: for a checkpoint, opening every file would be too much."""
    rows = "\n".join(f"{scan.name}\t{scan.label}" for scan in scans)
    return hashlib.sha256(rows.encode(errors="surrogateescape")).hexdigest()[:16]


def _read(file: Path) -> tuple[dict[str, Any], Arrays]:
    try:
        with safe_open(file, framework="numpy") as content:
            state = json.loads(content.metadata()["octlib"])
            return state, {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118 - it is no dict
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file} is damaged, or not a checkpoint of octlib: {error}. Remove it to start anew."
        ) from error
