"""Running: the epochs of a training, with what is recorded, kept and shown on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from octlib.models import OctClassifier
from octlib.models.keras_backend import keras
from octlib.training.batches import Batches
from octlib.training.callbacks import BestEpoch, EpochBar, Recorder
from octlib.training.parts import Part, variables_part
from octlib.training.recipe import Outcome, Recipe


def run_epochs(
    trained: Any,
    classifier: OctClassifier,
    batches: Batches,
    validation: Batches | None,
    recipe: Recipe,
    *,
    parts: Mapping[str, Part],
    best: BestEpoch,
    first: Sequence[keras.callbacks.Callback],
) -> Outcome:
    """Train for as many epochs as are left, and leave the best one.

    Args:
        trained: the compiled Keras model that is trained: the classifier, or a head in its place.
        classifier: the model that callbacks see.
        batches: to train on.
        validation: to choose the best epoch by, or ``None``.
        recipe: how.
        parts: of ``trained``, all that changes, weights and random numbers.
        best: keeps the best epoch.
        first: callbacks that come before all others.

    Returns:
        The figures of each epoch.
    """
    recorder, done = Recorder(), 0
    callbacks = [*first, recorder, best, *recipe.callbacks]
    if recipe.checkpoint is not None:
        optimizer = variables_part(trained.optimizer.variables)
        done = recipe.checkpoint.attach({**parts, "optimizer": optimizer}, recorder, best)
        callbacks.append(recipe.checkpoint)  # the last one, so that it keeps what the others have done
    bar = EpochBar((recipe.epochs - done) * len(batches), recipe.progress)
    batches.start_at(done)
    with best.kept():
        if done < recipe.epochs:
            trained.fit(
                batches,
                validation_data=validation,
                initial_epoch=done,
                epochs=recipe.epochs,
                shuffle=False,  # Batches do that by themselves
                callbacks=_seeing([*callbacks, bar], classifier, trained, len(batches), recipe.epochs),
                verbose=0,
            )
    return Outcome(tuple(recorder.epochs), best.epoch)


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
