"""Plots: the confusion matrix, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from octlib.evaluation.tables import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from octlib.evaluation.result import Evaluation


def draw_confusion_matrix(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw the confusion matrix: counts, and each count's share of its row, which is also the colour.

    Args:
        evaluation: what to draw.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes, with accuracy and its interval as title.
    """
    ax = _new_axes(len(evaluation.class_names)) if ax is None else ax
    counts = evaluation.confusion_matrix
    support = counts.sum(axis=1, keepdims=True)
    # A class without scans has no shares: its row stays blank.
    shares = np.divide(counts, support, out=np.zeros(counts.shape), where=support > 0)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        label = f"{count}\n{share:.0%}" if support[row] else f"{count}"
        ax.text(column, row, label, ha="center", va="center", color="white" if share > 0.5 else "black")
    positions = range(len(evaluation.class_names))
    ax.set_xticks(positions, evaluation.class_names, parse_math=False, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(positions, evaluation.class_names, parse_math=False)
    accuracy = number(evaluation.accuracy, evaluation.intervals["accuracy"])
    ax.set(xlabel="predicted", ylabel="truth", title=f"accuracy {accuracy}")
    return ax


def _new_axes(n_classes: int) -> Axes:
    import matplotlib.pyplot as plt

    side = 2.5 + 0.7 * n_classes
    ax: Axes = plt.subplots(figsize=(side, side), layout="constrained")[1]
    return ax
