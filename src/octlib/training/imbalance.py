"""Imbalance: class weights and logit adjustment, for classes of unequal size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from octlib.models.keras_backend import keras


def balanced_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weigh classes by the inverse of their frequency (scikit-learn's ``"balanced"``).

    Args:
        labels: class indices, int (n,).
        classes: how many there are.

    Returns:
        float32 (classes,); 1 for a class without scans.
    """
    counts = np.bincount(labels, minlength=classes)
    return np.where(counts > 0, len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1)), 1).astype(np.float32)


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


def expected_shares(
    labels: np.ndarray, classes: int, weights: np.ndarray | None, log_prior: np.ndarray | None
) -> list[float]:
    """Tell which class shares a training teaches to expect: those of its scans, unless it makes up for them.

    Args:
        labels: class indices of the scans that are trained on, int (n,).
        classes: how many there are.
        weights: of each class, float (classes,), or ``None``.
        log_prior: as for ``adjusted_crossentropy``: what the loss adds, the classifier needn't learn.

    Returns:
        A share for each class, 1 in all; 0 for one without scans.

    Example:
        >>> expected_shares(np.array([0, 0, 0, 1]), 2, None, None)
        [0.75, 0.25]
        >>> expected_shares(np.array([0, 0, 0, 1]), 2, np.array([1.0, 3.0]), None)
        [0.5, 0.5]
    """
    counts = np.bincount(labels, minlength=classes).astype(np.float64)
    if log_prior is not None:
        counts /= np.exp(log_prior.astype(np.float64))
    if weights is not None:
        counts *= weights
    shares = np.round(counts / counts.sum(), 7)  # weights are float32, and would leave equal shares a little unequal
    return [float(share) for share in shares / shares.sum()]


def adjusted_crossentropy(log_prior: np.ndarray | None) -> Callable[[Any, Any], Any]:
    """Make a cross-entropy of soft targets and logits, to which the classes' shares are added.

    A classifier that is trained on unequal classes learns that frequent ones are likely. Where the loss says how likely
    they are, what remains for the classifier is the evidence in the scan: the logit adjustment of Menon et al. 2021,
    "Long-tail learning via logit adjustment", section 5.1.

    Args:
        log_prior: logarithm of each class's share, float32 (classes,); ``None`` adds nothing.

    Returns:
        A function of targets and logits, (batch, classes), that gives (batch,).
    """

    def crossentropy(targets: Any, logits: Any) -> Any:
        adjusted = logits if log_prior is None else logits + keras.ops.convert_to_tensor(log_prior)
        return keras.losses.categorical_crossentropy(targets, adjusted, from_logits=True)

    return crossentropy
