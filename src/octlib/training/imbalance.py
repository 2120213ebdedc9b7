"""Imbalance: what to do about classes with few scans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from octlib.models import OctClassifier


def balanced_weights(labels: np.ndarray) -> dict[int, float]:
    """Weigh classes by the inverse of their frequency (scikit-learn's ``"balanced"``).

    Args:
        labels: class indices, int (n,).

    Returns:
        Class index to weight, for the classes that occur.
    """
    from sklearn.utils.class_weight import compute_class_weight

    present = np.unique(labels)
    weights = compute_class_weight("balanced", classes=present, y=labels)
    return {int(label): float(weight) for label, weight in zip(present, weights, strict=True)}


def log_shares(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return the logarithm of each class's share; a class without scans counts as if it had one.

    Args:
        labels: class indices, int (n,).
        classes: how many there are.

    Returns:
        float32 (classes,).
    """
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    return np.asarray(np.log(counts / counts.sum()), np.float32)


@contextmanager
def logits_adjusted(classifier: OctClassifier, log_prior: np.ndarray | None) -> Iterator[None]:
    """Train with the classes' shares added to the logits, and leave the classifier without them.

    A classifier that is trained on unequal classes learns that frequent ones are likely. Here the head's bias starts
    with the logarithm of the shares and gives it back in the end, so that what remains is the evidence in the scan: the
    logit adjustment of Menon et al. 2021, "Long-tail learning via logit adjustment", sections 4.1 and 5.1, whose two
    forms are the same for a head with a bias.

    Args:
        classifier: its head is changed.
        log_prior: of each class, (classes,); ``None`` does nothing.
    """
    if log_prior is None:
        yield
        return
    _shift_bias(classifier, log_prior)
    try:
        yield
    finally:
        _shift_bias(classifier, -log_prior)


def _shift_bias(classifier: OctClassifier, by: np.ndarray) -> None:
    kernel, bias = classifier.head.get_weights()
    classifier.head.set_weights([kernel, bias + by])
