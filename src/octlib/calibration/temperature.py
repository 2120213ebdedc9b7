"""Temperature: the one number that makes probabilities surer or less sure."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from octlib.calibration.losses import log_loss
from octlib.models import Postprocessing

# Where all scans are recognised, the loss falls for ever as the temperature does; where nothing is, it rises for ever.
LOWEST, HIGHEST = 0.2, 20.0


def find_temperature(probabilities: np.ndarray, labels: np.ndarray, postprocessing: Postprocessing) -> float:
    """Find the temperature with the lowest log loss.

    The loss is convex in 1 / temperature, so there is one lowest place.

    Args:
        probabilities: float (n, classes), of the mean over all views, without a temperature.
        labels: int (n,).
        postprocessing: what else happens to them.

    Returns:
        The temperature, from ``LOWEST`` to ``HIGHEST``.
    """
    from scipy.optimize import minimize_scalar

    exact = probabilities.astype(np.float64)

    def loss(logarithm: float) -> float:
        return log_loss(labels, replace(postprocessing, temperature=math.exp(logarithm)).combine([exact]))

    bounds = math.log(LOWEST), math.log(HIGHEST)
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-5})
    return min((LOWEST, HIGHEST, math.exp(found.x)), key=lambda temperature: loss(math.log(temperature)))


def cross_fitted(
    probabilities: np.ndarray, labels: np.ndarray, patients: np.ndarray, postprocessing: Postprocessing, folds: int
) -> np.ndarray | None:
    """Give each scan the probabilities by a temperature that was found without its patient.

    Args:
        probabilities: as for ``find_temperature``.
        labels: int (n,).
        patients: int (n,), numbered in the order in which they take turns in the folds.
        postprocessing: as for ``find_temperature``.
        folds: into how many parts patients are divided, or fewer, where there are fewer patients.

    Returns:
        float (n, classes); ``None`` for one patient alone.
    """
    turns = np.unique(patients, return_inverse=True)[1] % folds
    if turns.max() == 0:
        return None
    result = np.empty_like(probabilities)
    for fold in range(turns.max() + 1):
        rest, own = turns != fold, turns == fold
        temperature = find_temperature(probabilities[rest], labels[rest], postprocessing)
        result[own] = replace(postprocessing, temperature=temperature).combine([probabilities[own]])
    return result
