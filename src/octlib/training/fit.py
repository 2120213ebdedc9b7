"""Fit: train a classifier, frozen or fine-tuned."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib._checks import as_seed, as_whole
from octlib.data import OctDataset, as_dataset, match_labels, require_readable
from octlib.errors import CheckpointError, LeakageWarning, UnreadableScanError
from octlib.features import extract_features
from octlib.features.extraction import is_cached
from octlib.models import OctClassifier
from octlib.models.classifier import require_classifier
from octlib.models.seeding import seeded
from octlib.training import finetuning, head
from octlib.training.checkpoint import Checkpoint
from octlib.training.compiling import compiled_afterwards
from octlib.training.history import History
from octlib.training.identity import describe_run
from octlib.training.imbalance import expected_shares, log_shares
from octlib.training.problem import Features
from octlib.training.recipe import (
    LOGIT_ADJUSTMENT,
    Augment,
    ClassWeight,
    Labelled,
    Outcome,
    Recipe,
    as_augmentation,
    as_callbacks,
    as_class_weights,
    as_positive,
    check_class_weight,
)

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
    layer_decay: float = 1.0,
    l2: float | None = None,
    class_weight: ClassWeight = "balanced",
    augment: bool | Augment | None = None,
    cache: bool | str = True,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    seed: int = 0,
    progress: bool | None = None,
) -> History:
    """Train a classifier.

    A frozen classifier passes each scan through its backbone once. Its head is then solved for on the features, a
    convex problem, unless something is asked for that needs epochs: ``epochs``, ``learning_rate``, ``callbacks``,
    ``checkpoint``, or a classifier with dropout. An unfrozen one is fine-tuned as a whole, on augmented scans; one of
    which the last stages alone are unfrozen, from there on. The same seed on the same machine gives the same result.

    Args:
        classifier: changed in place; a second fit in epochs goes on from where it stands.
        train: labelled scans. Labels are matched to the classifier by class name.
        validation: labelled scans of other patients: the epoch, or the penalty, with the lowest loss on them is kept.
            They are measured as in training, with the same class weights and label smoothing. ``None`` trains a fixed
            schedule, or with a fixed penalty, on all of ``train``.
        epochs: ``None`` is 14 for an unfrozen backbone and, where it needs epochs, 20 for a frozen one.
        batch_size: scans a step of an epoch; not used where the head is solved for.
        learning_rate: of AdamW; ``None`` is 1e-3 for a frozen backbone and, at the peak of warm-up and cosine decay,
            5e-4 for an unfrozen one.
        layer_decay: of an unfrozen backbone: each stage learns at this share, in (0, 1], of the rate of the stage after
            it; 1 is the same rate for all.
        l2: penalty of a head that is solved for, above 0: the larger, the less the head relies on single features.
            ``None`` is 0.1 or, with validation scans, the one with the lowest loss on them.
        class_weight: ``"balanced"`` weighs classes by the inverse of their frequency; a dictionary gives a weight for
            each class name; ``None`` weighs all alike. ``"logit_adjustment"`` weighs all alike and adds the logarithm
            of the classes' shares to the logits in the loss alone (Menon et al. 2021, "Long-tail learning via logit
            adjustment", section 5.1).
        augment: ``True`` augments the scans of an unfrozen classifier by flips, small turns, shifts, stretches, changes
            of brightness and contrast, and speckle, and half of them also as another device might show them, by frames
            closer or further away, gamma, shading, sharpness and grain; ``False`` doesn't; a function that takes scans,
            uint8 (n, height, width), and a ``numpy.random.Generator`` does it your way. ``None`` is ``True`` where the
            whole backbone learns, and flips alone where some stages of a pretrained one are frozen: what these give is
            then kept for each scan and its mirror image, and an epoch costs what the other stages cost. A frozen
            backbone sees each scan once, so it takes none.
        cache: keep on disk, for later runs, what a frozen backbone or frozen stages give, ``"float16"`` in half the
            room; see ``octlib.features.extract_features``.
        checkpoint: a folder that gets, after each epoch, all that it takes to go on; ``None`` keeps nothing. A frozen
            classifier's head is then trained in epochs.
        resume: go on with the run whose checkpoint is in that folder, if there is one. The scans, the arguments and the
            weights that the classifier begins with must be the same (a function of yours is known by its name alone),
            and the result is that of a run without a break. User's callbacks start anew.
        callbacks: Keras callbacks; they see the whole classifier, frozen or not. ``ReduceLROnPlateau``,
            ``LearningRateScheduler`` and what derives from them take the place of warm-up and decay.
        seed: of every random choice.
        progress: show bars; ``None`` shows them where somebody can watch.

    Returns:
        The metrics of each epoch or step, and the number of the best one. An optimizer, loss and metrics that the
        classifier was compiled with stand; one that wasn't compiled has octlib's.

    Warns:
        CalibrationWarning: if the classifier was calibrated: that was for other weights, and is dropped.
        LeakageWarning: if training and validation scans share patients.
        TrainingWarning: if the head could not be solved for to the end, or what frozen stages give finds no room.

    Raises:
        ValueError: if the scans have no labels or other classes than the classifier, or an argument is out of range.
        TypeError: if ``classifier``, ``augment`` or ``callbacks`` is something else.
        AugmentationError: if a frozen backbone is to be trained on augmented scans.
        UnreadableScanError: if some scans can't be read; the text names them all.
        CheckpointError: if the checkpoint is damaged or of another run, or there is one and ``resume`` is false.

    Example:
        >>> import octlib
        >>> scans = octlib.load_oct_dataset("phantoms").sample(24)
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> octlib.fit(classifier, scans, epochs=2, progress=False).best_epoch
        2
    """
    started = time.perf_counter()
    # All that can be refused without looking at a scan is refused first.
    require_classifier(classifier)
    check_class_weight(class_weight, classifier.class_names)
    is_cached(cache)  # refuses what is no choice
    defaults = head if classifier.frozen else finetuning
    recipe = Recipe(
        epochs=as_whole("epochs", defaults.EPOCHS if epochs is None else epochs),
        batch_size=as_whole("batch_size", batch_size),
        learning_rate=as_positive("learning_rate", defaults.LEARNING_RATE if learning_rate is None else learning_rate),
        layer_decay=_as_decay(layer_decay, frozen=classifier.frozen),
        augment=as_augmentation(augment, frozen=classifier.frozen, partly=_keeps_results(classifier)),
        l2=None if l2 is None else as_positive("l2", l2),
        cache=cache,
        callbacks=as_callbacks(callbacks),
        checkpoint=_checkpoint_in(checkpoint, resume=resume),
        seed=as_seed(seed),
        progress=progress,
        exact=classifier.frozen
        and all(item is None for item in (epochs, learning_rate, checkpoint))
        and not (callbacks or classifier.dropout.rate),
    )
    _require_solver(recipe)
    parts = _labelled(classifier, train), None if validation is None else _labelled(classifier, validation)
    labels = parts[0][1]
    _require_classes(labels, classifier.class_names)
    _warn_of_shared_patients(*parts)
    recipe = replace(
        recipe,
        class_weight=as_class_weights(class_weight, labels, classifier.class_names),
        log_prior=log_shares(labels, len(classifier.class_names)) if class_weight == LOGIT_ADJUSTMENT else None,
    )
    classifier.forget_calibration()
    with seeded(recipe.seed), compiled_afterwards(classifier, recipe.learning_rate):
        outcome = _train(classifier, *parts, recipe)
    classifier.class_shares = expected_shares(
        labels, len(classifier.class_names), recipe.class_weight, recipe.log_prior
    )
    return History(outcome.epochs, outcome.best_epoch, time.perf_counter() - started)


def _require_solver(recipe: Recipe) -> None:
    if recipe.l2 is not None and not recipe.exact:
        raise ValueError(
            f"l2 is the penalty of a head that is solved for, got l2={recipe.l2:g} where training takes epochs. Leave "
            "it out, or leave out what needs epochs: an unfrozen backbone, dropout, epochs, learning_rate, callbacks, "
            "checkpoint."
        )


def _keeps_results(classifier: OctClassifier) -> bool:
    """Tell whether frozen stages of a classifier give the same in every epoch: not where BatchNorm is to learn."""
    return bool(classifier.backbone.partly_frozen and classifier.backbone.pretrained)


def _as_decay(layer_decay: float, *, frozen: bool) -> float:
    decay = as_positive("layer_decay", layer_decay)
    if decay > 1 or (frozen and decay < 1):
        raise ValueError(
            f"layer_decay must be in (0, 1], and 1 for a frozen backbone, got {layer_decay:g}. To train stages at "
            "rates of their own, call classifier.unfreeze() first."
        )
    return decay


def _checkpoint_in(folder: str | Path | None, *, resume: bool) -> Checkpoint | None:
    if folder is not None:
        return Checkpoint(Path(folder), resume=resume)
    if resume:
        raise CheckpointError("resume=True needs the folder of the run to go on with:", "checkpoint=FOLDER.")
    return None


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
        if recipe.checkpoint is not None:
            recipe.checkpoint.require(describe_run(classifier, train, validation, recipe))
        if not classifier.frozen:
            return finetuning.fine_tune(classifier, train, validation, recipe)
        held_out = None if validation is None else _featured(classifier, validation, recipe)
        return head.train_head(classifier, _featured(classifier, train, recipe), held_out, recipe)
    except UnreadableScanError:
        # Whoever met the first knows of some scans; the user wants to know of all.
        require_readable([scan for part in (train, validation) if part is not None for scan in part[0]])
        raise


def _featured(classifier: OctClassifier, part: Labelled, recipe: Recipe) -> Features:
    return extract_features(classifier, part[0], cache=recipe.cache, progress=recipe.progress), part[1]


def _warn_of_shared_patients(train: Labelled, validation: Labelled | None) -> None:
    if validation is None or train[0].patients is None or validation[0].patients is None:
        return
    shared = (set(train[0].patients) & set(validation[0].patients)) - {None}
    if shared:
        warnings.warn(
            LeakageWarning(
                f"{len(shared)} patients are in both the training and the validation scans, so that what is best is "
                "chosen on patients that were trained on.",
                "Split with scans.split(), which keeps patients apart.",
            ),
            stacklevel=3,
        )
