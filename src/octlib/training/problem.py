"""Problem: what a head is solved for, posed once for all the penalties that are tried."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from octlib.features import StoredRows
from octlib.models import OctClassifier
from octlib.training.recipe import Recipe
from octlib.training.whitening import Whitening, chunks, principal_combinations

ROTATED = 1000  # scans: as many are held, turned into the dimensions that they span
TOLERANCE = {"maxiter": 2000, "maxfun": 4000, "gtol": 1e-6, "ftol": 1e-10}
OUT_OF_STEPS = 1  # what SciPy's L-BFGS says

KEPT = 2**26  # bytes of features, of which the problems kept for a search may be: they take up to thrice as much

Features = tuple[np.ndarray | StoredRows, np.ndarray]  # float32 (n, features) and int (n,) labels
Layer = tuple[np.ndarray, np.ndarray]  # kernel (features, classes) and bias (classes,)

# A search asks for the problem of each of its folds again and again, with other penalties. They go with the backbone.
_posed: WeakKeyDictionary[Any, OrderedDict[bytes, Problem]] = WeakKeyDictionary()


def pose(classifier: OctClassifier, train: Features, recipe: Recipe) -> Problem:
    """Pose the problem of a classifier's head, or find it posed, if the classifier shares a backbone with others.

    Args:
        classifier: its classes count, not what its head is.
        train: features and labels.
        recipe: its class weights, log prior and seed count.
    """
    features, classes, lengths = train[0], len(classifier.class_names), classifier.backbone.feature_lengths
    if isinstance(features, StoredRows) or features.nbytes > KEPT or not classifier.backbone.unchanging:
        return Problem.of(train, classes, recipe, lengths)
    posed = _posed.setdefault(classifier.backbone, OrderedDict())
    key = _key(features, train[1], classes, recipe)
    problem = posed.get(key)
    if problem is None:
        problem = Problem.of(train, classes, recipe, lengths)
        while posed and (len(posed) + 1) * features.nbytes > KEPT:
            posed.popitem(last=False)
        posed[key] = problem
    return problem


def _key(features: np.ndarray, labels: np.ndarray, classes: int, recipe: Recipe) -> bytes:
    digest = hashlib.sha256(repr((features.shape, str(features.dtype), classes, recipe.seed)).encode())
    for values in (features, labels, weights_of_scans(labels, recipe), np.asarray(prior_of(recipe), np.float64)):
        digest.update(np.ascontiguousarray(values).data)
    return digest.digest()


@dataclass(frozen=True)
class Space:
    """Whitened features with a mean squared length of 1, in the form in which they are passed over most cheaply.

    Attributes:
        rows: what is passed over, (n, features).
        inward: turns a layer on the whitened features into one on ``rows``.
        gradient: turns the gradients for a layer on ``rows`` into that for the kernel on the whitened features.
        outward: turns a layer on the whitened features into one on plain features.
    """

    rows: np.ndarray | StoredRows
    inward: Callable[[np.ndarray, np.ndarray], Layer]
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]
    outward: Callable[[np.ndarray, np.ndarray], Layer]

    @classmethod
    def of(cls, features: np.ndarray | StoredRows, scale: Whitening) -> Space:
        """Choose the form: few scans are held in as many dimensions as they span, many are passed over as they are."""
        sample = np.linspace(0, len(features) - 1, min(len(features), ROTATED)).astype(int)
        whitened = scale.apply(features[sample])
        squares, combinations = principal_combinations(whitened)
        length = np.sqrt(squares.sum() / len(sample)) or 1.0

        def outward(kernel: np.ndarray, bias: np.ndarray) -> Layer:
            return scale.fold(kernel / length, bias)

        if len(sample) < len(features):
            return cls(features, outward, lambda *gradients: scale.gradient(*gradients) / length, outward)
        return cls(
            combinations * squares / length,
            lambda *layer: layer,
            lambda kernel, _: kernel,
            lambda kernel, bias: outward(whitened.T @ (combinations @ kernel).astype(np.float32), bias),
        )


@dataclass(frozen=True)
class Problem:
    """The mean cross-entropy of a layer on whitened features, and its penalty.

    The bias is penalised like the weight of one more feature that is always 1. So there is one solution, and the bias
    of a class without scans stays finite.

    Attributes:
        space: the features.
        labels: int (n,).
        weights: of the scans, with a mean of 1, float64 (n,).
        prior: what is added to the logits.
        classes: how many there are.
    """

    space: Space
    labels: np.ndarray
    weights: np.ndarray
    prior: np.ndarray | float
    classes: int

    @classmethod
    def of(cls, train: Features, classes: int, recipe: Recipe, lengths: Sequence[int] = ()) -> Problem:
        """Pose the problem.

        Args:
            train: features and labels.
            classes: how many there are.
            recipe: as for ``solve_head``.
            lengths: how many features come from each of several backbones.
        """
        features, labels = train
        space = Space.of(features, Whitening.of(features, labels, lengths=lengths, seed=recipe.seed))
        return cls(space, labels, weights_of_scans(labels, recipe), prior_of(recipe), classes)

    def solve(self, l2: float, start: Layer | None) -> tuple[Layer, bool]:
        """Minimise.

        Args:
            l2: the penalty, per scan.
            start: a layer on the whitened features; ``None`` starts from zero.

        Returns:
            The layer, and whether it is the solution; if not, it is as near as the optimiser came.
        """
        from scipy.optimize import minimize

        layer = np.zeros((self.space.rows.shape[1] + 1, self.classes)) if start is None else np.vstack(start)
        found = minimize(self._objective, layer.ravel(), l2, jac=True, method="L-BFGS-B", options=TOLERANCE)
        layer = found.x.reshape(-1, self.classes)
        # A search that ends otherwise has reached the precision of float32, which many scans are held in.
        return (layer[:-1], layer[-1]), found.status != OUT_OF_STEPS

    def _objective(self, flat: np.ndarray, l2: float) -> tuple[float, Any]:
        layer = flat.reshape(-1, self.classes)
        kernel, bias = self.space.inward(layer[:-1], layer[-1])
        loss, slope, shift = 0.0, np.zeros(kernel.shape), np.zeros(self.classes)
        for place, rows in chunks(self.space.rows):
            losses, residuals = cross_entropy(rows @ kernel.astype(rows.dtype) + bias + self.prior, self.labels[place])
            residuals *= self.weights[place, None]
            loss += float(losses @ self.weights[place])
            slope += rows.T @ residuals.astype(rows.dtype)  # many scans are float32, and twice as fast so
            shift += residuals.sum(axis=0)
        gradient = np.vstack([self.space.gradient(slope, shift), shift]) + l2 * layer
        return (loss + l2 / 2 * float((layer**2).sum())) / len(self.labels), gradient.ravel() / len(self.labels)


def weights_of_scans(labels: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Weigh scans by their classes, with a mean of 1: float64 (n,)."""
    weights = recipe.weights_of(labels)
    return np.ones(len(labels)) if weights is None else np.asarray(weights / weights.mean(dtype=np.float64))


def prior_of(recipe: Recipe) -> np.ndarray | float:
    """Return what is added to the logits in the loss."""
    return 0.0 if recipe.log_prior is None else recipe.log_prior


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cross-entropy of each row, and its gradient for the logits."""
    logits = logits - logits.max(axis=1, keepdims=True)
    probabilities = np.exp(logits)
    total = probabilities.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    losses = np.log(total[:, 0]) - logits[rows, labels]
    probabilities /= total
    probabilities[rows, labels] -= 1
    return losses, probabilities
