"""Recipe: what the two ways of training have in common, decided once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from octlib.data import OctDataset
from octlib.models import OctClassifier
from octlib.models.keras_backend import keras

if TYPE_CHECKING:
    from octlib.training.checkpoint import Checkpoint

WEIGHT_DECAY = 1e-2

Labelled = tuple[OctDataset, np.ndarray]  # scans, and their labels in the order of the classifier's classes
Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Recipe:
    """How to train; every default has been filled in.

    Attributes:
        epochs: how many.
        batch_size: scans a step.
        learning_rate: at its peak.
        class_weight: of each class, float32 (classes,), or ``None``.
        log_prior: logarithm of each class's share, float32 (classes,), if logits are to be adjusted by it, or ``None``.
        augment: changes a batch of scans, or ``None``.
        cache: of a frozen backbone's features, as in ``extract_features``.
        callbacks: the user's.
        checkpoint: what keeps the run after each epoch, or ``None``.
        seed: of every random choice.
        progress: as for every progress bar of octlib.
        exact: whether the head of a frozen classifier is solved for, instead of trained in epochs.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    class_weight: np.ndarray | None = None
    log_prior: np.ndarray | None = None
    augment: Augment | None = None
    cache: bool | str = True
    callbacks: Sequence[keras.callbacks.Callback] = ()
    checkpoint: Checkpoint | None = None
    seed: int = 0
    progress: bool | None = False
    exact: bool = False

    def weights_of(self, labels: np.ndarray) -> np.ndarray | None:
        """Return the weight of each scan, float32 (n,), or ``None`` if all weigh alike."""
        return None if self.class_weight is None else self.class_weight[labels]


@dataclass(frozen=True)
class Outcome:
    """What training gives back: the figures of each epoch, and the number of the best one."""

    epochs: tuple[dict[str, float], ...]
    best_epoch: int


def compile_classifier(classifier: OctClassifier, learning_rate: float) -> None:
    """Compile a classifier with a new AdamW, so that ``classifier.evaluate`` and ``classifier.fit`` work.

    Args:
        classifier: the classifier.
        learning_rate: of the optimizer.
    """
    classifier.compile(
        optimizer=keras.optimizers.AdamW(learning_rate, weight_decay=WEIGHT_DECAY),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
