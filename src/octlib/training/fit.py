"""Fit: train a classifier, frozen or fine-tuned."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib._checks import as_seed, as_whole
from octlib.data import OctDataset, as_dataset, match_labels
from octlib.features import extract_features
from octlib.models import OctClassifier
from octlib.models.seeding import seeded
from octlib.training import finetuning, head
from octlib.training.arguments import LOGIT_ADJUSTMENT, as_augmentation, as_class_weights, as_rate
from octlib.training.batches import unreadable_named
from octlib.training.checkpoint import Checkpoint, describe_run
from octlib.training.history import History
from octlib.training.imbalance import log_shares, logits_adjusted
from octlib.training.recipe import Augment, Labelled, Outcome, Recipe, compile_classifier

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
    cache: bool | str = True,
    checkpoint: str | Path | None = None,
    resume: bool = False,
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
            each class name; ``None`` weighs all alike. ``"logit_adjustment"`` weighs all alike and takes the logarithm
            of the classes' shares out of the logits in the end (Menon et al. 2021, "Long-tail learning via logit
            adjustment", section 4.1).
        augment: ``None`` or ``True`` augments the scans of an unfrozen classifier by flips, small turns, shifts,
            scalings, changes of brightness and contrast, and speckle; ``False`` doesn't; a function that takes scans,
            uint8 (n, height, width), and a ``numpy.random.Generator`` does it your way. A frozen backbone sees each
            scan once, so it takes none.
        cache: keep a frozen backbone's features on disk for later runs, ``"float16"`` in half the room; see
            ``octlib.features.extract_features``.
        checkpoint: a folder that gets, after each epoch, all that it takes to go on; ``None`` keeps nothing.
        resume: go on with the run whose checkpoint is in that folder, if there is one. The scans and arguments must be
            the same, and the result is that of a run without a break. User's callbacks start anew.
        callbacks: Keras callbacks; they see the whole classifier, frozen or not. One that sets the learning rate, such
            as ``ReduceLROnPlateau``, takes the place of warm-up and decay.
        seed: of every random choice.
        progress: show bars; ``None`` shows them where somebody can watch.

    Returns:
        The figures of each epoch, and the number of the best one.

    Raises:
        ValueError: if the scans have no labels or other classes than the classifier, some can't be read, an argument is
            out of range, or the checkpoint is of another run.
        FileExistsError: if the folder has a checkpoint already, and ``resume`` is false.

    Example:
        >>> import octlib
        >>> scans = octlib.load_oct_dataset("phantoms").sample(24)
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> octlib.fit(classifier, scans, epochs=2, progress=False).best_epoch
        2
    """
    started = time.perf_counter()
    seed = as_seed(seed)
    train, labels = _labelled(classifier, train)
    _require_classes(labels, classifier.class_names)
    held_out = None if validation is None else _labelled(classifier, validation)
    if held_out is not None:
        _warn_of_shared_patients(train, held_out[0])
    defaults = head if classifier.frozen else finetuning
    recipe = Recipe(
        epochs=as_whole("epochs", defaults.EPOCHS if epochs is None else epochs),
        batch_size=as_whole("batch_size", batch_size),
        learning_rate=as_rate(defaults.LEARNING_RATE if learning_rate is None else learning_rate),
        class_weight=as_class_weights(class_weight, labels, classifier.class_names),
        log_prior=log_shares(labels, len(classifier.class_names)) if class_weight == LOGIT_ADJUSTMENT else None,
        augment=as_augmentation(augment, frozen=classifier.frozen),
        cache=cache,
        callbacks=callbacks,
        seed=seed,
        progress=progress,
    )
    if checkpoint is not None:
        run = describe_run(classifier, train, None if held_out is None else held_out[0], recipe)
        recipe = replace(recipe, checkpoint=Checkpoint(Path(checkpoint), run, resume=resume))
    elif resume:
        raise ValueError("resume=True needs the folder of the run to go on with: checkpoint=FOLDER.")
    with seeded(seed):
        outcome = _train(classifier, (train, labels), held_out, recipe)
    return History(outcome.epochs, outcome.best_epoch, time.perf_counter() - started)


def _labelled(classifier: OctClassifier, scans: Any) -> Labelled:
    dataset = as_dataset(scans)
    if len(dataset) == 0:
        raise ValueError("Training needs at least one scan, and validation too: got a dataset without any.")
    return dataset, match_labels(dataset, classifier.class_names)


def _require_classes(labels: np.ndarray, class_names: tuple[str, ...]) -> None:
    present = np.unique(labels)
    if len(present) < 2:
        raise ValueError(
            f"Training needs scans of at least two classes, got only {class_names[present[0]]}. Classes are the "
            "folders that hold the scans, or the labels that are given with them."
        )


def _train(classifier: OctClassifier, train: Labelled, validation: Labelled | None, recipe: Recipe) -> Outcome:
    try:
        with logits_adjusted(classifier, recipe.log_prior):
            if not classifier.frozen:
                return finetuning.fine_tune(classifier, train, validation, recipe)
            with unreadable_named(train, validation):
                held_out = None if validation is None else _featured(classifier, validation, recipe)
                features = _featured(classifier, train, recipe)
            return head.train_head(classifier, features, held_out, recipe)
    finally:
        # What the optimizer has gathered, and a rate that has decayed, are of no use to whoever fits next.
        compile_classifier(classifier, recipe.learning_rate)
        # Else a .keras file of the classifier would hold half an optimizer, and warn of it when it is loaded.
        classifier.optimizer.build(classifier.trainable_variables)


def _featured(classifier: OctClassifier, part: Labelled, recipe: Recipe) -> head.Features:
    return extract_features(classifier, part[0], cache=recipe.cache, progress=recipe.progress), part[1]


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
