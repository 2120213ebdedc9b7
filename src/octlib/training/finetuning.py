"""Fine-tuning: with an unfrozen backbone, all of the classifier trains on augmented scans."""

from __future__ import annotations

from octlib.models import OctClassifier
from octlib.models.keras_backend import keras
from octlib.models.state import put_state, take_state
from octlib.training.batches import Batches, scan_rows, unreadable_named
from octlib.training.callbacks import BestEpoch, WarmUpAndDecay
from octlib.training.optimizer import HeadFirstAdamW
from octlib.training.parts import Part, variables_part
from octlib.training.recipe import WEIGHT_DECAY, Labelled, Outcome, Recipe
from octlib.training.running import run_epochs

EPOCHS = 14
LEARNING_RATE = 5e-4
LABEL_SMOOTHING = 0.1  # Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7
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
    # Where the backbone starts from nothing too, nothing speaks for a rate of its own.
    pretrained = classifier.backbone.spec.fixed_batchnorm
    optimizer = HeadFirstAdamW if pretrained else keras.optimizers.AdamW
    classifier.compile(
        optimizer=optimizer(recipe.learning_rate, weight_decay=WEIGHT_DECAY),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    classifier.optimizer.build(classifier.trainable_variables)
    held_out = None
    with unreadable_named(train, validation):
        rows = scan_rows(classifier, train[0], recipe.augment)
        if validation is not None:
            held_out = Batches(scan_rows(classifier, validation[0]), validation[1], batch_size=recipe.batch_size)
    batches = Batches(
        rows,
        train[1],
        weights=recipe.weights_of(train[1]),
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        shuffled=True,
    )
    weights = Part(lambda: take_state(classifier), lambda state: put_state(classifier, state))
    classifier.label_smoothing = LABEL_SMOOTHING
    try:
        return run_epochs(
            classifier,
            classifier,
            batches,
            held_out,
            recipe,
            parts={"weights": weights, "dropout": variables_part(classifier.dropout.variables)},
            best=BestEpoch(weights),
            first=_schedule(recipe, len(batches)),
        )
    finally:
        classifier.label_smoothing = 0.0


def _schedule(recipe: Recipe, steps_per_epoch: int) -> list[keras.callbacks.Callback]:
    """Warm up and decay, unless a callback of the user's is there to set the rate."""
    if any(isinstance(callback, RATE_SETTERS) for callback in recipe.callbacks):
        return []
    return [WarmUpAndDecay(recipe.learning_rate, steps_per_epoch * recipe.epochs)]
