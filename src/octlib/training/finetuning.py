"""Fine-tuning: with an unfrozen backbone, all of the classifier trains on augmented scans."""

from __future__ import annotations

from typing import Any

import numpy as np

from octlib.models import OctClassifier
from octlib.models.keras_backend import keras
from octlib.training.batches import ScanBatches
from octlib.training.callbacks import BestEpoch, EpochBar, Recorder, WarmUpAndDecay
from octlib.training.recipe import Labelled, Outcome, Recipe, compile_classifier

EPOCHS = 14
LEARNING_RATE = 5e-4
RATE_SETTERS = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


def fine_tune(classifier: OctClassifier, train: Labelled, validation: Labelled | None, recipe: Recipe) -> Outcome:
    """Train a whole classifier.

    Args:
        classifier: changed in place.
        train: scans and their labels in the order of the classifier's classes.
        validation: the same, or ``None``.
        recipe: how.

    Returns:
        The figures of each epoch.
    """
    batches = ScanBatches(classifier, *train, recipe, training=True)
    compile_classifier(classifier, recipe.learning_rate)
    recorder = Recorder()
    best = BestEpoch(lambda: _weights(classifier), lambda weights: _restore(classifier, weights))
    with best.kept():
        classifier.fit(
            batches,
            validation_data=None
            if validation is None
            else ScanBatches(classifier, *validation, recipe, training=False),
            epochs=recipe.epochs,
            shuffle=False,  # ScanBatches shuffles by itself
            callbacks=[*_schedule(recipe, len(batches)), recorder, EpochBar(recipe.progress), best, *recipe.callbacks],
            verbose=0,
        )
    return Outcome(tuple(recorder.epochs), best.epoch)


def _schedule(recipe: Recipe, steps_per_epoch: int) -> list[keras.callbacks.Callback]:
    """Warm up and decay, unless a callback of the user's is there to set the rate."""
    if any(isinstance(callback, RATE_SETTERS) for callback in recipe.callbacks):
        return []
    return [WarmUpAndDecay(recipe.learning_rate, steps_per_epoch * recipe.epochs)]


def _weights(classifier: OctClassifier) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Copy all weights, BatchNorm's statistics included, which ``classifier.get_weights`` lacks."""
    backbone = {name: value.clone() for name, value in classifier.backbone.module.state_dict().items()}
    return backbone, classifier.head.get_weights()


def _restore(classifier: OctClassifier, weights: tuple[dict[str, Any], list[np.ndarray]]) -> None:
    classifier.backbone.module.load_state_dict(weights[0])
    classifier.head.set_weights(weights[1])
