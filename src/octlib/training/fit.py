"""Fit: train a classifier, frozen or fine-tuned."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib.data import OctDataset, as_dataset, match_labels
from octlib.features import extract_features
from octlib.models import OctClassifier
from octlib.models.seeding import as_seed, seeded
from octlib.training import finetuning, head
from octlib.training.augmentation import augment_scans
from octlib.training.history import History
from octlib.training.recipe import Augment, Labelled, Outcome, Recipe, balanced_weights, compile_classifier

if TYPE_CHECKING:
    from octlib.models.keras_backend import keras


def fit(
    classifier: OctClassifier,
    train: OctDataset | str | Path,
    validation: OctDataset | str | Path | None = None,
    *,
    epochs: int | None = None,
    batch_size: int = 32,
    learning_rate: float | None = None,
    class_weight: str | Mapping[str, float] | None = "balanced",
    augment: bool | Augment | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    seed: int = 0,
    progress: bool | None = None,
) -> History:
    """Train a classifier.

    A frozen classifier passes each scan through its backbone once; its head then trains on the features. An unfrozen
    one is fine-tuned as a whole, on augmented scans. The same seed on the same machine gives the same result.

    Args:
        classifier: changed in place; a second fit goes on from where it stands.
        train: labelled scans. Labels are matched to the classifier by class name.
        validation: labelled scans of other patients: the epoch with the lowest loss on them is kept. ``None`` trains a
            fixed schedule on all of ``train``.
        epochs: ``None`` is 20 for a frozen backbone and 14 for an unfrozen one.
        batch_size: scans a step.
        learning_rate: of AdamW; ``None`` is 1e-3 for a frozen backbone and, at the peak of warm-up and cosine decay,
            5e-4 for an unfrozen one.
        class_weight: ``"balanced"`` weighs classes by the inverse of their frequency; a dictionary gives a weight for
            each class name; ``None`` weighs all alike.
        augment: ``None`` or ``True`` augments the scans of an unfrozen classifier by flips, small turns, shifts,
            scalings and changes of brightness; ``False`` doesn't; a function that takes scans, uint8
            (n, height, width), and a ``numpy.random.Generator`` does it your way. A frozen backbone sees each scan
            once, so it takes none.
        callbacks: Keras callbacks; they see the whole classifier, frozen or not. One that sets the learning rate, such
            as ``ReduceLROnPlateau``, takes the place of warm-up and decay.
        seed: of every random choice.
        progress: show bars; ``None`` shows them where somebody can watch.

    Returns:
        The figures of each epoch, and the number of the best one.

    Raises:
        ValueError: if the scans have no labels or other classes than the classifier, or an argument is out of range.

    Example:
        >>> import octlib
        >>> scans = octlib.load_oct_dataset("phantoms").take(24)
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> octlib.fit(classifier, scans, epochs=2, progress=False).best_epoch
        2
    """
    started = time.perf_counter()
    seed = as_seed(seed)
    train, labels = _labelled(classifier, train)
    held_out = None if validation is None else _labelled(classifier, validation)
    if held_out is not None:
        _warn_of_shared_patients(train, held_out[0])
    defaults = head if classifier.frozen else finetuning
    recipe = Recipe(
        epochs=_whole("epochs", defaults.EPOCHS if epochs is None else epochs),
        batch_size=_whole("batch_size", batch_size),
        learning_rate=_rate(defaults.LEARNING_RATE if learning_rate is None else learning_rate),
        class_weight=_weights(class_weight, labels, classifier.class_names),
        augment=_augmentation(augment, frozen=classifier.frozen),
        callbacks=callbacks,
        seed=seed,
        progress=progress,
    )
    with seeded(seed):
        outcome = _train(classifier, (train, labels), held_out, recipe)
    return History(outcome.epochs, outcome.best_epoch, time.perf_counter() - started)


def _labelled(classifier: OctClassifier, scans: Any) -> Labelled:
    dataset = as_dataset(scans)
    if len(dataset) == 0:
        raise ValueError("Training needs at least one scan, and validation too: got a dataset without any.")
    return dataset, match_labels(dataset, classifier.class_names)


def _train(classifier: OctClassifier, train: Labelled, validation: Labelled | None, recipe: Recipe) -> Outcome:
    try:
        if not classifier.frozen:
            return finetuning.fine_tune(classifier, train, validation, recipe)
        held_out = None if validation is None else _featured(classifier, validation, recipe)
        return head.train_head(classifier, _featured(classifier, train, recipe), held_out, recipe)
    finally:
        # What the optimizer has gathered, and a rate that has decayed, are of no use to whoever fits next.
        compile_classifier(classifier, recipe.learning_rate)
        # Else a .keras file of the classifier would hold half an optimizer, and warn of it when it is loaded.
        classifier.optimizer.build(classifier.trainable_variables)


def _featured(classifier: OctClassifier, part: Labelled, recipe: Recipe) -> head.Features:
    return extract_features(classifier, part[0], progress=recipe.progress), part[1]


def _warn_of_shared_patients(train: OctDataset, validation: OctDataset) -> None:
    if train.patients is None or validation.patients is None:
        return
    shared = (set(train.patients) & set(validation.patients)) - {None}
    if shared:
        warnings.warn(
            f"{len(shared)} patients are in both the training and the validation scans, so that the best epoch is "
            "chosen on patients that were trained on. Split with scans.split(), which keeps patients apart.",
            UserWarning,
            stacklevel=3,
        )


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a whole number from 1 on, got {value!r}.")
    return int(value)


def _rate(value: Any) -> float:
    if not isinstance(value, int | float | np.number) or not 0 < value < math.inf:
        raise ValueError(f"learning_rate must be a positive number, got {value!r}.")
    return float(value)


def _weights(
    class_weight: str | Mapping[str, float] | None, labels: np.ndarray, class_names: tuple[str, ...]
) -> dict[int, float] | None:
    if class_weight is None:
        return None
    if class_weight == "balanced":
        return balanced_weights(labels)
    if isinstance(class_weight, str) or set(class_weight) != set(class_names):
        raise ValueError(
            f"class_weight must be 'balanced', None, or a weight for each of {list(class_names)}, got {class_weight!r}."
        )
    return {class_names.index(name): float(weight) for name, weight in class_weight.items()}


def _augmentation(augment: bool | Augment | None, *, frozen: bool) -> Augment | None:
    if frozen:
        if augment:
            raise ValueError(
                "A frozen backbone sees each scan once, so augment has nothing to act on. "
                "Leave it out, or call classifier.unfreeze() first to fine-tune."
            )
        return None
    if augment is None or augment is True:
        return augment_scans
    return augment or None
