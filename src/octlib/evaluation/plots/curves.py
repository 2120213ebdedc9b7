"""Curves: each class against the rest, over all thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from octlib.evaluation.plots.axes import add_grid, add_legend, new_axes
from octlib.evaluation.plots.palette import GREY, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDE = 4.8  # inches


def draw_roc(truth: np.ndarray, probabilities: np.ndarray, labels: Mapping[str, str], *, ax: Axes | None) -> Axes:
    """Draw the ROC curve of each class against the rest.

    Args:
        truth: int (n,), indices of classes.
        probabilities: float (n, classes).
        labels: for each class, in the order of the columns, the figure to show beside its name.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes; a class that no scan has, or every scan, has a line without points.
    """
    from sklearn.metrics import roc_curve

    ax = new_axes(SIDE, SIDE) if ax is None else ax
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (1, 3)))
    for index, (name, label) in enumerate(labels.items()):
        positive = truth == index
        points = roc_curve(positive, probabilities[:, index])[:2] if 0 < positive.sum() < len(truth) else ([], [])
        ax.plot(*points, label=f"{name}  {label}", **style(index))
    _finish(ax, "1 - specificity", "sensitivity", "lower right", "AUROC")
    return ax


def draw_precision_recall(
    truth: np.ndarray, probabilities: np.ndarray, labels: Mapping[str, str], *, ax: Axes | None
) -> Axes:
    """Draw precision over sensitivity for each class against the rest.

    Args:
        truth: int (n,), indices of classes.
        probabilities: float (n, classes).
        labels: for each class, in the order of the columns, its average precision.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes. The legend has the average precision of each class, and the share of scans that are of it, which is
        the average precision of a guess.
    """
    from sklearn.metrics import precision_recall_curve

    ax = new_axes(SIDE, SIDE) if ax is None else ax
    for index, (name, average) in enumerate(labels.items()):
        positive, scores = truth == index, probabilities[:, index]
        if not positive.any():
            ax.plot([], [], label=f"{name}  {average}", **style(index))
            continue
        precision, recall, _ = precision_recall_curve(positive, scores)
        label = f"{name}  {average} (a guess: {positive.mean():.3f})"
        ax.plot(recall, precision, drawstyle="steps-post", label=label, **style(index))
    _finish(ax, "sensitivity", "precision", "lower left", "average precision")
    return ax


def _finish(ax: Axes, x: str, y: str, location: str, title: str) -> None:
    # A little room, or a curve along the border is cut in half.
    ax.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    add_grid(ax)
    add_legend(ax, location, title=title)
