"""Solver: the head of a frozen classifier as the solution of a convex problem, along a path of penalties."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from octlib._progress import progress as progress_bar
from octlib.errors import TrainingWarning
from octlib.features import StoredRows
from octlib.models import OctClassifier
from octlib.training.recipe import Outcome, Recipe
from octlib.training.whitening import Whitening, chunks, principal_combinations

# With an L2 penalty, logits have a prior of mean 0 and variance 1 / L2. The default expects them about 3 to either
# side: odds of 20 to 1, as of scans that can be recognised. It was not chosen by any scans.
DEFAULT_L2 = 0.1
PATH = tuple(DEFAULT_L2 * 10 ** (half / 2) for half in range(4, -5, -1))
ROTATED = 1000  # scans: as many are held, turned into the dimensions that they span
TOLERANCE = {"maxiter": 2000, "maxfun": 4000, "gtol": 1e-6, "ftol": 1e-10}
OUT_OF_STEPS = 1  # what SciPy's L-BFGS says

Features = tuple[np.ndarray | StoredRows, np.ndarray]  # float32 (n, features) and int (n,) labels
Layer = tuple[np.ndarray, np.ndarray]  # kernel (features, classes) and bias (classes,)


def solve_head(classifier: OctClassifier, train: Features, validation: Features | None, recipe: Recipe) -> Outcome:
    """Find the head with the lowest cross-entropy and L2 penalty on whitened features: multinomial logistic regression.

    The problem is convex with one solution, so that neither a start nor an order of scans decides anything. It is
    solved for one penalty after the other, each from the solution before (Friedman, Hastie and Tibshirani 2010,
    "Regularization Paths for Generalized Linear Models via Coordinate Descent", section 2.5; here by L-BFGS).

    Args:
        classifier: its head is changed.
        train: features and labels.
        validation: the same, or ``None``.
        recipe: its penalty, class weights, of which only the ratios matter, log prior, seed and progress are used.
            Without a penalty, the one with the lowest loss on ``validation`` is kept; without both, it is
            ``DEFAULT_L2``.

    Returns:
        The metrics of each step of the path, and the number of the best one.
    """
    # For the small products of some scans, waking further threads takes longer than the work itself.
    with threadpool_limits(1 if len(train[1]) <= ROTATED else None, user_api="blas"):
        return _follow_path(classifier, train, validation, recipe)


def _follow_path(classifier: OctClassifier, train: Features, validation: Features | None, recipe: Recipe) -> Outcome:
    problem = Problem.of(train, len(classifier.class_names), recipe)
    end = DEFAULT_L2 if recipe.l2 is None else recipe.l2
    chosen = validation is not None and recipe.l2 is None
    path = PATH if chosen else (*(l2 for l2 in PATH if l2 > end), end)
    steps: list[dict[str, float]] = []
    best, solution, unsolved = 0, None, 0
    with _best_named(lambda: best):
        for l2 in progress_bar(path, title="training", show=recipe.progress):
            started = time.perf_counter()
            solution, solved = problem.solve(l2, solution)
            unsolved += not solved
            layer = problem.space.outward(*solution)
            figures = _figures(train, layer, recipe)
            if validation is not None:
                figures |= {f"val_{name}": value for name, value in _figures(validation, layer, recipe).items()}
            steps.append({"step": len(steps) + 1, "l2": l2, **figures, "seconds": time.perf_counter() - started})
            if not best or not chosen or figures["val_loss"] < steps[best - 1]["val_loss"]:
                classifier.head.set_weights(layer)
                best = len(steps)
    if unsolved:
        said = f"The head was not solved for to the end with {unsolved} of {len(path)} penalties."
        warnings.warn(TrainingWarning(said, "Train it in epochs instead: epochs=20."), stacklevel=6)
    return Outcome(tuple(steps), best)


@contextmanager
def _best_named(best: Callable[[], int]) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if best():
            error.add_note(f"The classifier has the weights of step {best()}, the best so far.")
        raise


def _figures(part: Features, layer: Layer, recipe: Recipe) -> dict[str, float]:
    """Measure a layer on plain features."""
    features, labels = part
    weights = _weights(labels, recipe)
    loss = right = 0.0
    for place, rows in chunks(features):
        logits = rows @ layer[0].astype(rows.dtype) + layer[1]
        losses = _cross_entropy(logits + _prior(recipe), labels[place])[0]  # what is right is judged without the prior
        loss += float(losses @ weights[place])
        right += float((logits.argmax(1) == labels[place]).sum())
    return {"loss": loss / len(labels), "accuracy": right / len(labels)}


def _weights(labels: np.ndarray, recipe: Recipe) -> np.ndarray:
    weights = recipe.weights_of(labels)
    return np.ones(len(labels)) if weights is None else np.asarray(weights / weights.mean(dtype=np.float64))


def _prior(recipe: Recipe) -> np.ndarray | float:
    return 0.0 if recipe.log_prior is None else recipe.log_prior


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cross-entropy of each row, and its gradient for the logits."""
    logits = logits - logits.max(axis=1, keepdims=True)
    probabilities = np.exp(logits)
    total = probabilities.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    losses = np.log(total[:, 0]) - logits[rows, labels]
    probabilities /= total
    probabilities[rows, labels] -= 1
    return losses, probabilities


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
    def of(cls, train: Features, classes: int, recipe: Recipe) -> Problem:
        """Pose the problem.

        Args:
            train: features and labels.
            classes: how many there are.
            recipe: as for ``solve_head``.
        """
        features, labels = train
        space = Space.of(features, Whitening.of(features, labels, seed=recipe.seed))
        return cls(space, labels, _weights(labels, recipe), _prior(recipe), classes)

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
            losses, residuals = _cross_entropy(rows @ kernel.astype(rows.dtype) + bias + self.prior, self.labels[place])
            residuals *= self.weights[place, None]
            loss += float(losses @ self.weights[place])
            slope += rows.T @ residuals.astype(rows.dtype)  # many scans are float32, and twice as fast so
            shift += residuals.sum(axis=0)
        gradient = np.vstack([self.space.gradient(slope, shift), shift]) + l2 * layer
        return (loss + l2 / 2 * float((layer**2).sum())) / len(self.labels), gradient.ravel() / len(self.labels)
