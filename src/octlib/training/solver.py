"""Solver: the head of a frozen classifier as the solution of a convex problem."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from octlib._progress import progress as progress_bar
from octlib.errors import TrainingWarning
from octlib.models import OctClassifier
from octlib.training.problem import ROTATED, Features, Layer, cross_entropy, pose, prior_of, weights_of_scans
from octlib.training.recipe import Outcome, Recipe
from octlib.training.whitening import chunks

# With an L2 penalty, logits have a prior of mean 0 and variance 1 / L2. The default expects them about 3 to either
# side: odds of 20 to 1, as of scans that can be recognised. It was not chosen by any scans.
DEFAULT_L2 = 0.1
PATH = tuple(DEFAULT_L2 * 10 ** (half / 2) for half in range(4, -5, -1))


def solve_head(classifier: OctClassifier, train: Features, validation: Features | None, recipe: Recipe) -> Outcome:
    """Find the head with the lowest cross-entropy and L2 penalty on whitened features: multinomial logistic regression.

    The problem is convex with one solution, so that neither a start nor an order of scans decides anything. Where
    validation scans choose the penalty, it is solved for one after the other, from strong to weak, each from the
    solution before (Friedman, Hastie and Tibshirani 2010, "Regularization Paths for Generalized Linear Models via
    Coordinate Descent", section 2.5; here by L-BFGS).

    Args:
        classifier: its head is changed.
        train: features and labels.
        validation: the same, or ``None``.
        recipe: its penalty, class weights, of which only the ratios matter, log prior, seed and progress are used.
            Without a penalty, the one with the lowest loss on ``validation`` is kept; without both, it is
            ``DEFAULT_L2``.

    Returns:
        The metrics with each penalty, and the number of the best one.
    """
    # For the small products of some scans, waking further threads takes longer than the work itself.
    with threadpool_limits(1 if len(train[1]) <= ROTATED else None, user_api="blas"):
        return _solve(classifier, train, validation, recipe)


def _solve(classifier: OctClassifier, train: Features, validation: Features | None, recipe: Recipe) -> Outcome:
    problem = pose(classifier, train, recipe)
    chosen = validation is not None and recipe.l2 is None
    path = PATH if chosen else (DEFAULT_L2 if recipe.l2 is None else recipe.l2,)
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
            if not best or figures["val_loss"] < steps[best - 1]["val_loss"]:
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
    weights = weights_of_scans(labels, recipe)
    loss = right = 0.0
    for place, rows in chunks(features):
        logits = rows @ layer[0].astype(rows.dtype) + layer[1]
        losses = cross_entropy(logits + prior_of(recipe), labels[place])[0]  # what is right is judged without the prior
        loss += float(losses @ weights[place])
        right += float((logits.argmax(1) == labels[place]).sum())
    return {"loss": loss / len(labels), "accuracy": right / len(labels)}
