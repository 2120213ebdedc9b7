"""Reliability: how often predictions are right that are made with a certain confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from octlib.evaluation.losses import BINS, bin_confidence
from octlib.evaluation.plots.axes import add_grid, new_axes
from octlib.evaluation.plots.palette import GREY, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_reliability(truth: np.ndarray, probabilities: np.ndarray, *, level: str, ax: Axes | None) -> Axes:
    """Draw the accuracy over the confidence, in 15 bins of equal width, and below how many predictions each holds.

    Args:
        truth: int (n,), indices of classes.
        probabilities: float (n, classes); the largest of a row is the confidence.
        level: what a row is, such as "scan".
        ax: where to draw; None makes a new figure.

    Returns:
        The axes of the accuracy; those of the counts are its inset.
    """
    ax = new_axes(4.8, 5.4) if ax is None else ax
    confidence, right = probabilities.max(axis=1).astype(float), probabilities.argmax(axis=1) == truth
    bins = bin_confidence(probabilities)
    counts = np.bincount(bins, minlength=BINS)
    filled = counts > 0
    means = [np.bincount(bins, values, BINS)[filled] / counts[filled] for values in (confidence, right.astype(float))]
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (1, 3)))
    ax.plot(*means, marker="o", **style(0))
    lowest = 1 / probabilities.shape[1]  # no confidence can be below it
    ax.set(ylabel="accuracy", xlim=(lowest - 0.02, 1.02), ylim=(-0.02, 1.02))
    ax.tick_params(labelbottom=False)
    add_grid(ax)
    below = ax.inset_axes((0, -0.3, 1, 0.25), sharex=ax)
    below.bar(np.arange(BINS) / BINS, counts, width=1 / BINS, align="edge", color=GREY)
    below.set(xlabel="confidence (probability of the predicted class)", ylabel=f"{level}s")
    below.yaxis.get_major_locator().set_params(integer=True, nbins=3)
    return ax
