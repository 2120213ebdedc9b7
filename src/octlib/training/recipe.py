"""Recipe: what the two ways of training have in common, checked and decided once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib.data import OctDataset
from octlib.errors import AugmentationError
from octlib.models.keras_backend import keras
from octlib.training.augmentation import augment_scans, mirror_scans
from octlib.training.imbalance import balanced_weights

if TYPE_CHECKING:
    from octlib.training.checkpoint import Checkpoint

BALANCED, LOGIT_ADJUSTMENT = "balanced", "logit_adjustment"

Labelled = tuple[OctDataset, np.ndarray]  # scans, and their labels in the order of the classifier's classes
Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]
ClassWeight = str | Mapping[str, float] | None


@dataclass(frozen=True)
class Recipe:
    """How to train; every default has been filled in.

    Attributes:
        epochs: how many.
        batch_size: scans a step.
        learning_rate: at its peak.
        class_weight: of each class, float32 (classes,), or ``None``.
        log_prior: logarithm of each class's share, float32 (classes,), if logits are to be adjusted by it, or ``None``.
        layer_decay: each stage's rate as a share of that of the stage after it, in (0, 1].
        label_smoothing: share of each target that asks for all classes alike, in [0, 1).
        l2: penalty of a head that is solved for, or ``None``.
        augment: changes a batch of scans, or ``None``.
        cache: of the backbone's features, as in ``extract_features``.
        callbacks: the user's.
        checkpoint: what keeps the run after each epoch, or ``None``.
        seed: of every random choice.
        progress: as for every progress bar of octlib.
        exact: whether the head of a frozen classifier is solved for, instead of trained in epochs.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    class_weight: np.ndarray | None = None
    log_prior: np.ndarray | None = None
    layer_decay: float = 1.0
    label_smoothing: float = 0.0
    l2: float | None = None
    augment: Augment | None = None
    cache: bool | str = True
    callbacks: tuple[keras.callbacks.Callback, ...] = ()
    checkpoint: Checkpoint | None = None
    seed: int = 0
    progress: bool | None = False
    exact: bool = False

    def weights_of(self, labels: np.ndarray) -> np.ndarray | None:
        """Return the weight of each scan.

        Args:
            labels: int (n,), of the scans that are trained on, or of those for validation.

        Returns:
            float32 (n,), or ``None`` if all weigh alike. Their mean is 1, so that a loss is a weighted mean and that of
            other scans can be held against it.
        """
        if self.class_weight is None:
            return None
        weights = self.class_weight[labels]
        return np.asarray(weights / weights.mean(), np.float32)

    def targets_of(self, labels: np.ndarray, classes: int) -> np.ndarray:
        """Return what the probabilities of each scan ought to be.

        Args:
            labels: int (n,).
            classes: how many there are.

        Returns:
            float32 (n, classes); rows sum to 1.
        """
        certain = np.eye(classes, dtype=np.float32)[labels]
        return np.asarray((1 - self.label_smoothing) * certain + self.label_smoothing / classes, np.float32)


@dataclass(frozen=True)
class Outcome:
    """What training gives back: the metrics of each epoch, and the number of the best one."""

    epochs: tuple[dict[str, float], ...]
    best_epoch: int


def as_positive(name: str, value: Any) -> float:
    """Bring a positive number to a float.

    Args:
        name: of the argument.
        value: what was given.

    Returns:
        The number.

    Raises:
        ValueError: if it is no positive number.
    """
    if not _is_positive(value):
        raise ValueError(f"{name} must be a positive number, got {value!r}.")
    return float(value)


def as_callbacks(value: Any) -> tuple[keras.callbacks.Callback, ...]:
    """Bring callbacks to a tuple.

    Args:
        value: what was given.

    Returns:
        The callbacks.

    Raises:
        TypeError: if it is anything else than Keras callbacks.
    """
    callbacks = tuple(value) if isinstance(value, Iterable) else (value,)
    wrong = [callback for callback in callbacks if not isinstance(callback, keras.callbacks.Callback)]
    if wrong or not isinstance(value, Iterable):
        raise TypeError(f"callbacks must be a list of Keras callbacks, got {(wrong or [value])[0]!r}.")
    return callbacks


def as_augmentation(augment: Any, *, frozen: bool, partly: bool = False) -> Augment | None:
    """Bring the wish for augmentation to a function.

    Args:
        augment: ``None`` for octlib's choice, ``True`` for changes of place and light, ``False``, or a function.
        frozen: whether the backbone is.
        partly: whether some of its stages are, whose results can be kept: of scans and of their mirror images.

    Returns:
        The function, or ``None``.

    Raises:
        AugmentationError: if a frozen classifier is to be trained on augmented scans.
        TypeError: if it is anything else.
    """
    if not (augment is None or isinstance(augment, bool) or callable(augment)):
        raise TypeError(
            "augment must be True, False, None, or a function that takes scans and a numpy.random.Generator, got "
            f"{augment!r}."
        )
    if frozen and augment:
        raise AugmentationError(
            "A frozen backbone sees each scan once, so augment has nothing to act on.",
            "Leave it out, or call classifier.unfreeze() first to fine-tune.",
        )
    if frozen or augment is False:
        return None
    if augment is None:
        return mirror_scans if partly else augment_scans
    return augment_scans if augment is True else augment


def check_class_weight(class_weight: Any, class_names: tuple[str, ...]) -> None:
    """Refuse what is no choice of class weights.

    Args:
        class_weight: what was given.
        class_names: of the classifier.

    Raises:
        ValueError: if it is neither of the two names nor ``None``, nor has a positive number for each class.
    """
    if class_weight in (None, BALANCED, LOGIT_ADJUSTMENT):
        return
    given = dict(class_weight) if isinstance(class_weight, Mapping) else {}
    if set(given) != set(class_names) or not all(map(_is_positive, given.values())):
        raise ValueError(
            f"class_weight must be {BALANCED!r}, {LOGIT_ADJUSTMENT!r}, None, or a positive weight for each of "
            f"{list(class_names)}, got {class_weight!r}."
        )


def as_class_weights(class_weight: ClassWeight, labels: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray | None:
    """Bring class weights to an array.

    Args:
        class_weight: has been checked.
        labels: of the scans that are trained on, int (n,).
        class_names: of the classifier.

    Returns:
        float32 (classes,), or ``None`` if all weigh alike.
    """
    if isinstance(class_weight, Mapping):
        return np.array([class_weight[name] for name in class_names], np.float32)
    return balanced_weights(labels, len(class_names)) if class_weight == BALANCED else None


def _is_positive(value: Any) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and 0 < value < math.inf
