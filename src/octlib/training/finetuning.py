"""Fine-tuning: with an unfrozen backbone, all of the classifier trains on augmented scans."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import replace
from typing import Any

from octlib._cache import LIMIT_VARIABLE, cache_limit
from octlib.data import OctDataset
from octlib.errors import NoRoomError, TrainingWarning
from octlib.features.extraction import FLOAT16, is_cached
from octlib.models import OctClassifier
from octlib.models.cut_classifier import CutClassifier, cut_classifier
from octlib.models.keras_backend import keras
from octlib.models.state import load_state_dict, take_state
from octlib.training.augmentation import mirror_scans
from octlib.training.batches import HELD_IN_MEMORY, Rows, scan_rows, stored_rows
from octlib.training.compiling import adamw, scaled_variables, undecayed_variables
from octlib.training.epochs import run_epochs
from octlib.training.recipe import Labelled, Outcome, Recipe
from octlib.training.state import State, variables_state

EPOCHS = 14
LEARNING_RATE = 5e-4
WARM_UP = 0.1  # of all steps
LABEL_SMOOTHING = 0.1  # Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7
SHARE_OF_THE_STORE = 0.5  # that one training may take
RATE_SETTERS = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


class LogitModel(keras.Model):
    """A classifier without its softmax, which shares everything with it.

    Args:
        classifier: whose logits.
        cut: what it learns from in place of scans, the results of its frozen stages; ``None`` for the scans.
    """

    def __init__(self, classifier: OctClassifier, cut: CutClassifier | None) -> None:
        super().__init__()
        self.classifier, self._cut = classifier, cut

    def call(self, rows: Any, training: bool = False) -> Any:
        """Compute logits, (batch, classes); arguments as in ``OctClassifier.call``, or rows of results."""
        if self._cut is None:
            return self.classifier.logits(rows, training=training)
        return self.classifier.head_logits(self._cut.features(rows), training=training)


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
    cut, rows, rows_held_out = _rows(classifier, train[0], None if validation is None else validation[0], recipe)
    held_out = None if validation is None or rows_held_out is None else (rows_held_out, validation[1])
    optimizer = adamw(
        _learning_rate(recipe, len(train[1])),
        undecayed=undecayed_variables(classifier),
        **scaled_variables(classifier, recipe.layer_decay),
    )
    return run_epochs(
        LogitModel(classifier, cut),
        classifier,
        (rows, train[1]),
        held_out,
        replace(recipe, label_smoothing=LABEL_SMOOTHING),
        optimizer=optimizer,
        result=State(lambda: take_state(classifier), lambda state: load_state_dict(classifier, state)),
        others={"dropout": variables_state(classifier.dropout.variables)},
    )


def _rows(
    classifier: OctClassifier, train: OctDataset, validation: OctDataset | None, recipe: Recipe
) -> tuple[CutClassifier | None, Rows, Rows | None]:
    """Choose what is learned from: what the frozen stages give, where that is the same in every epoch, or the scans."""
    if classifier.backbone.partly_frozen and recipe.augment in (None, mirror_scans):
        cut, mirrored = cut_classifier(classifier), recipe.augment is mirror_scans
        if cut is not None and _finds_room(cut, (1 + mirrored) * len(train) + len(validation or ()), recipe):
            with suppress(NoRoomError):  # on the disk
                held_out = None if validation is None else stored_rows(cut, validation, recipe)
                return cut, stored_rows(cut, train, recipe, mirrored=mirrored), held_out
        if cut is not None:
            _warn_of_room()
    held_out = None if validation is None else scan_rows(classifier, validation)
    return None, scan_rows(classifier, train, recipe.augment), held_out


def _finds_room(cut: CutClassifier, scans: int, recipe: Recipe) -> bool:
    """Tell whether results find room, without driving all others out of the store."""
    if not is_cached(recipe.cache):
        return 4 * scans * cut.n_values <= HELD_IN_MEMORY
    return (2 if recipe.cache == FLOAT16 else 4) * scans * cut.n_values <= cache_limit() * SHARE_OF_THE_STORE


def _warn_of_room() -> None:
    warnings.warn(
        TrainingWarning(
            "What the frozen stages give finds no room, so that every epoch passes through the whole network, with no "
            "other augmentation than flips.",
            f"Set {LIMIT_VARIABLE} higher, of which half may be taken, or free the disk; cache='float16' halves the "
            "need. augment=True changes scans in other ways too, as there is nothing to keep.",
        ),
        stacklevel=5,
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
