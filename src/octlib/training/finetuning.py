"""Fine-tuning: with an unfrozen backbone, all of the classifier trains on augmented scans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from octlib.models import OctClassifier
from octlib.models.keras_backend import keras
from octlib.models.state import load_state_dict, take_state
from octlib.training.batches import scan_rows
from octlib.training.compiling import adamw, undecayed_variables
from octlib.training.epochs import run_epochs
from octlib.training.recipe import Labelled, Outcome, Recipe
from octlib.training.state import State, variables_state

EPOCHS = 14
LEARNING_RATE = 5e-4
WARM_UP = 0.1  # of all steps
LABEL_SMOOTHING = 0.1  # Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7
RATE_SETTERS = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


class LogitModel(keras.Model):
    """A classifier without its softmax, which shares everything with it.

    Args:
        classifier: whose logits.
    """

    def __init__(self, classifier: OctClassifier) -> None:
        super().__init__()
        self.classifier = classifier

    def call(self, scans: Any, training: bool = False) -> Any:
        """Compute logits, (batch, classes); arguments as in ``OctClassifier.call``."""
        return self.classifier.logits(scans, training=training)


def fine_tune(classifier: OctClassifier, train: Labelled, validation: Labelled | None, recipe: Recipe) -> Outcome:
    """Train a whole classifier.

    Args:
        classifier: changed in place.
        train: scans and their labels in the order of the classifier's classes.
        validation: the same, or ``None``.
        recipe: how.

    Returns:
        The metrics of each epoch.
    """
    rows = scan_rows(classifier, train[0], recipe.augment)
    held_out = None if validation is None else (scan_rows(classifier, validation[0]), validation[1])
    # Where the backbone starts from nothing too, nothing speaks for a rate of its own.
    optimizer = adamw(
        _learning_rate(recipe, len(train[1])),
        undecayed=undecayed_variables(classifier),
        head=classifier.head.variables if classifier.backbone.pretrained else (),
    )
    return run_epochs(
        LogitModel(classifier),
        classifier,
        (rows, train[1]),
        held_out,
        replace(recipe, label_smoothing=LABEL_SMOOTHING),
        optimizer=optimizer,
        result=State(lambda: take_state(classifier), lambda state: load_state_dict(classifier, state)),
        others={"dropout": variables_state(classifier.dropout.variables)},
    )


def _learning_rate(recipe: Recipe, scans: int) -> Any:
    """Warm up and decay, unless a callback of the user's is there to set the rate: Keras lets none set a schedule's."""
    if any(isinstance(callback, RATE_SETTERS) for callback in recipe.callbacks):
        return recipe.learning_rate
    steps = recipe.epochs * -(-scans // recipe.batch_size)
    warm_up = max(1, round(WARM_UP * steps))
    return keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 25,
        decay_steps=max(1, steps - warm_up),
        warmup_target=recipe.learning_rate,
        warmup_steps=warm_up,
    )
