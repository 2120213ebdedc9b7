"""Arguments: what ``fit`` is given, checked once and brought to one form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from octlib.training.augmentation import augment_scans
from octlib.training.imbalance import balanced_weights
from octlib.training.recipe import Augment

LOGIT_ADJUSTMENT = "logit_adjustment"


def as_rate(value: Any) -> float:
    """Bring a learning rate to a float.

    Args:
        value: what was given.

    Returns:
        The rate.

    Raises:
        ValueError: if it is no positive number.
    """
    if not isinstance(value, int | float | np.number) or not 0 < value < math.inf:
        raise ValueError(f"learning_rate must be a positive number, got {value!r}.")
    return float(value)


def as_class_weights(
    class_weight: str | Mapping[str, float] | None, labels: np.ndarray, class_names: tuple[str, ...]
) -> np.ndarray | None:
    """Bring class weights to an array.

    Args:
        class_weight: ``"balanced"``, a weight for each class name, ``"logit_adjustment"`` or ``None``.
        labels: of the scans that are trained on, int (n,).
        class_names: of the classifier.

    Returns:
        float32 (classes,), or ``None`` if all weigh alike.

    Raises:
        ValueError: if it is anything else.
    """
    if class_weight is None or class_weight == LOGIT_ADJUSTMENT:
        return None
    if class_weight == "balanced":
        weights = balanced_weights(labels)
        return np.array([weights.get(label, 1.0) for label in range(len(class_names))], np.float32)
    if isinstance(class_weight, str) or set(class_weight) != set(class_names):
        raise ValueError(
            f"class_weight must be 'balanced', {LOGIT_ADJUSTMENT!r}, None, or a weight for each of "
            f"{list(class_names)}, got {class_weight!r}."
        )
    return np.array([class_weight[name] for name in class_names], np.float32)


def as_augmentation(augment: bool | Augment | None, *, frozen: bool) -> Augment | None:
    """Bring the wish for augmentation to a function.

    Args:
        augment: ``None`` or ``True`` for octlib's own, ``False``, or a function.
        frozen: whether the backbone is.

    Returns:
        The function, or ``None``.

    Raises:
        ValueError: if a frozen classifier is to be trained on augmented scans.
    """
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
