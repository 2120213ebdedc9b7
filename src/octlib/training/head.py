"""Head training: with a frozen backbone, each scan is passed through it once and the head trains on the features."""

from __future__ import annotations

from typing import Any

import numpy as np

from octlib.features import StoredRows
from octlib.models import OctClassifier
from octlib.models.keras_backend import keras
from octlib.models.threads import one_thread
from octlib.training.batches import Rows
from octlib.training.compiling import adamw
from octlib.training.epochs import run_epochs
from octlib.training.problem import Features
from octlib.training.recipe import Outcome, Recipe
from octlib.training.solver import solve_head
from octlib.training.state import variables_state
from octlib.training.whitening import Whitening

EPOCHS = 20
LEARNING_RATE = 1e-3


def train_head(classifier: OctClassifier, train: Features, validation: Features | None, recipe: Recipe) -> Outcome:
    """Train the head of a classifier on features; the backbone is not touched.

    Args:
        classifier: its head and dropout are used, and its head is changed.
        train: features and labels.
        validation: the same, or ``None``.
        recipe: how.

    Returns:
        The metrics of each epoch, or of each step of the solver.
    """
    if recipe.exact:
        return solve_head(classifier, train, validation, recipe)
    features, labels = train
    scale = Whitening.of(features, labels, lengths=classifier.backbone.feature_lengths, seed=recipe.seed)
    head = _whitened_head(classifier, scale)

    def write_back() -> None:
        classifier.head.set_weights(scale.fold(*head.layers[-1].get_weights()))

    held_out = None if validation is None else (_whitened(validation[0], scale), validation[1])
    with one_thread():
        return run_epochs(
            head,
            classifier,
            (_whitened(features, scale), labels),
            held_out,
            recipe,
            optimizer=adamw(recipe.learning_rate, undecayed=[head.layers[-1].bias]),
            result=variables_state(classifier.head.variables),
            others={"head": variables_state(head.variables)},
            at_epoch_end=write_back,
        )


def _whitened(features: np.ndarray | StoredRows, scale: Whitening) -> Rows:
    """Whiten features at once where they are in memory, else batch by batch."""
    if isinstance(features, StoredRows):
        return lambda chosen, _: scale.apply(features[chosen])
    whitened = scale.apply(features)
    return lambda chosen, _: whitened[chosen]


def _whitened_head(classifier: OctClassifier, scale: Whitening) -> Any:
    """Build the classifier's head for whitened features; it starts where the classifier's head stands."""
    layers = [
        keras.Input((len(scale.mean),)),
        keras.layers.Dropout(classifier.dropout.rate, seed=classifier.seed),
        keras.layers.Dense(len(classifier.class_names)),
    ]
    head = keras.Sequential(layers)
    head.layers[-1].set_weights(scale.unfold(*classifier.head.get_weights()))
    return head
