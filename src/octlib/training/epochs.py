"""Epochs: those of a training, with what is recorded, kept and shown on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from typing import Any

import numpy as np

from octlib._interrupts import heard_interrupts
from octlib.models import OctClassifier
from octlib.models.devices import devices
from octlib.models.keras_backend import keras
from octlib.training.batches import Batches, Rows
from octlib.training.callbacks import BestEpoch, EpochBar, Recorder
from octlib.training.compiling import compile_classifier
from octlib.training.imbalance import adjusted_crossentropy
from octlib.training.recipe import Outcome, Recipe
from octlib.training.state import State, variables_state

LabelledRows = tuple[Rows, np.ndarray]  # inputs of what is trained, and int (n,) labels


class Accuracy(keras.metrics.CategoricalAccuracy):
    """The share of rows whose class is found; rows without a target fill a batch and don't count."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch into account."""
        super().update_state(y_true, y_pred, keras.ops.any(y_true > 0, axis=-1))


class Heard(keras.callbacks.Callback):
    """Ends training with the step in which Ctrl-C came.

    Args:
        require_uninterrupted: of ``heard_interrupts``.
    """

    def __init__(self, require_uninterrupted: Callable[[], None]) -> None:
        super().__init__()
        self._require_uninterrupted = require_uninterrupted

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look for one after a step."""
        self._require_uninterrupted()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look for one after a batch of validation scans."""
        self._require_uninterrupted()


def run_epochs(
    trained: Any,
    classifier: OctClassifier,
    train: LabelledRows,
    validation: LabelledRows | None,
    recipe: Recipe,
    *,
    optimizer: Any,
    result: State,
    others: Mapping[str, State],
    at_epoch_end: Callable[[], None] = lambda: None,
) -> Outcome:
    """Train for as many epochs as are left, and leave the best one.

    Training and validation are measured alike, by weights, smoothing and prior, so that their losses can be compared.

    Args:
        trained: the Keras model that is trained: rows in, logits (batch, classes) out.
        classifier: the model that callbacks see.
        train: to train on.
        validation: to choose the best epoch by, or ``None``.
        recipe: how.
        optimizer: of ``trained``.
        result: what of the classifier changes; the best epoch's is left.
        others: whatever else changes, random numbers among it, and must go on where it stands.
        at_epoch_end: brings the classifier up to date, before callbacks see it.

    Returns:
        The metrics of each epoch.
    """
    classes = len(classifier.class_names)
    batches = _batches(train, recipe, classes, shuffled=True)
    held_out = None if validation is None else _batches(validation, recipe, classes)
    accuracy = Accuracy("accuracy")
    trained.compile(optimizer, adjusted_crossentropy(recipe.log_prior), metrics=[accuracy])
    optimizer.build(trained.trainable_variables)
    compile_classifier(classifier, optimizer)  # callbacks read and set the rate there
    recorder, best, done = Recorder(), BestEpoch(result), 0
    update = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: at_epoch_end())
    callbacks = [update, recorder, best, *recipe.callbacks]
    if recipe.checkpoint is not None:
        states = {**others, "result": result, "optimizer": variables_state(optimizer.variables)}
        done = recipe.checkpoint.attach(states, recorder, best, recipe.epochs)
        callbacks.append(recipe.checkpoint)  # the last one, so that it keeps what the others have done
    bar = EpochBar((recipe.epochs - done) * len(batches), recipe.progress)
    batches.start_at(done)
    with (
        best.kept(),
        _synced(classifier, trained),
        closing(batches),
        closing(held_out) if held_out else nullcontext(),
        heard_interrupts() as require_uninterrupted,
    ):
        if done < recipe.epochs:
            heard = Heard(require_uninterrupted)
            trained.fit(
                batches,
                validation_data=held_out,
                initial_epoch=done,
                epochs=recipe.epochs,
                shuffle=False,  # Batches do that by themselves
                callbacks=_seeing([*callbacks, bar, heard], classifier, trained, len(batches), recipe.epochs),
                verbose=0,
            )
            require_uninterrupted()
    return Outcome(tuple(recorder.epochs), best.epoch)


def _batches(part: LabelledRows, recipe: Recipe, classes: int, *, shuffled: bool = False) -> Batches:
    rows, labels = part
    return Batches(
        rows,
        recipe.targets_of(labels, classes),
        weights=recipe.weights_of(labels),
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        shuffled=shuffled,
        multiple=devices(),
    )


@contextmanager
def _synced(classifier: OctClassifier, trained: Any) -> Iterator[None]:
    """Let callbacks read weights between batches, and leave those of the last batch when training is broken off.

    On JAX, weights lie in the loop of the model that is trained until somebody asks that model for them.
    """
    sync = getattr(trained, "jax_state_sync", lambda: None)
    classifier.__dict__["jax_state_sync"] = sync
    try:
        yield
    finally:
        del classifier.__dict__["jax_state_sync"]
        sync()


def _seeing(
    callbacks: Sequence[keras.callbacks.Callback], classifier: OctClassifier, trained: Any, steps: int, epochs: int
) -> keras.callbacks.CallbackList:
    """Make the whole classifier the model that callbacks see, whatever is trained."""

    def heed_stop(*_: Any, **__: Any) -> None:
        trained.stop_training = classifier.stop_training

    classifier.stop_training = False
    trained.history = None  # Keras returns what its own list of callbacks would have put there.
    heed = keras.callbacks.LambdaCallback(on_epoch_end=heed_stop, on_train_batch_end=heed_stop)
    return keras.callbacks.CallbackList([*callbacks, heed], model=classifier, epochs=epochs, steps=steps)
