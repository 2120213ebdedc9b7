"""Recipe: what the two ways of training have in common, decided once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from octlib.data import OctDataset
from octlib.models import OctClassifier
from octlib.models.keras_backend import keras

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
        class_weight: class index to weight, or ``None``.
        augment: changes a batch of scans, or ``None``.
        callbacks: the user's.
        seed: of every random choice.
        progress: as for every progress bar of octlib.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    class_weight: dict[int, float] | None
    augment: Augment | None
    callbacks: Sequence[keras.callbacks.Callback]
    seed: int
    progress: bool | None


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


def balanced_weights(labels: np.ndarray) -> dict[int, float]:
    """Weigh classes by the inverse of their frequency (scikit-learn's ``"balanced"``).

    Args:
        labels: class indices, int (n,).

    Returns:
        Class index to weight, for the classes that occur.
    """
    from sklearn.utils.class_weight import compute_class_weight

    present = np.unique(labels)
    weights = compute_class_weight("balanced", classes=present, y=labels)
    return {int(label): float(weight) for label, weight in zip(present, weights, strict=True)}
