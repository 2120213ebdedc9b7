"""Head training: with a frozen backbone, each scan is passed through it once and the head trains on the features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from octlib.models import OctClassifier
from octlib.models.keras_backend import keras
from octlib.training.callbacks import BestEpoch, EpochBar, Recorder
from octlib.training.recipe import Outcome, Recipe, compile_classifier
from octlib.training.whitening import Whitening

EPOCHS = 20
LEARNING_RATE = 1e-3

Features = tuple[np.ndarray, np.ndarray]  # float32 (n, features) and int (n,) labels


def train_head(classifier: OctClassifier, train: Features, validation: Features | None, recipe: Recipe) -> Outcome:
    """Train the head of a classifier on features; the backbone is not touched.

    Args:
        classifier: its head and dropout are used, and its head is changed.
        train: features and labels.
        validation: the same, or ``None``.
        recipe: how.

    Returns:
        The figures of each epoch.
    """
    scale = Whitening.of(*train, seed=recipe.seed)
    head = _whitened_head(classifier, scale)
    compile_classifier(classifier, recipe.learning_rate)
    # One optimizer for both: callbacks read and change the learning rate at the classifier's.
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile(classifier.optimizer, loss, metrics=["accuracy"])

    recorder = Recorder()
    best = BestEpoch(classifier.head.get_weights, classifier.head.set_weights)
    with best.kept():
        head.fit(
            scale.apply(train[0]),
            train[1],
            validation_data=None if validation is None else (scale.apply(validation[0]), validation[1]),
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            class_weight=recipe.class_weight,
            callbacks=_seeing_the_classifier(
                [recorder, EpochBar(recipe.progress), best, *recipe.callbacks],
                classifier,
                head,
                scale,
                len(train[1]),
                recipe,
            ),
            verbose=0,
        )
    return Outcome(tuple(recorder.epochs), best.epoch)


def _seeing_the_classifier(
    callbacks: Sequence[keras.callbacks.Callback],
    classifier: OctClassifier,
    head: Any,
    scale: Whitening,
    n: int,
    recipe: Recipe,
) -> keras.callbacks.CallbackList:
    """Make the whole classifier the model that callbacks see, and keep it in step with the head that trains."""

    def write_back(*_: Any) -> None:
        classifier.head.set_weights(scale.fold(*head.layers[-1].get_weights()))

    def heed_stop(*_: Any, **__: Any) -> None:
        head.stop_training = classifier.stop_training

    classifier.stop_training = False
    head.history = None  # Keras returns what its own list of callbacks would have put there.
    return keras.callbacks.CallbackList(
        [
            keras.callbacks.LambdaCallback(on_epoch_end=write_back),
            *callbacks,
            keras.callbacks.LambdaCallback(on_epoch_end=heed_stop, on_train_batch_end=heed_stop),
        ],
        model=classifier,
        epochs=recipe.epochs,
        steps=math.ceil(n / recipe.batch_size),
    )


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
