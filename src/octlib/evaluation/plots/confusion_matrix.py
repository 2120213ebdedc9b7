"""Confusion matrix: counts by class and predicted class, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from octlib.evaluation.plots.axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_confusion_matrix(
    counts: np.ndarray, class_names: Sequence[str], *, title: str, ax: Axes | None = None
) -> Axes:
    """Draw the confusion matrix: counts, and each count's share of its row, which is also the colour.

    Args:
        counts: int (classes, classes); rows are the truth.
        class_names: of the rows and the columns.
        title: of the axes.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    side = 2.5 + 0.7 * len(class_names)
    ax = new_axes(side, side) if ax is None else ax
    support = counts.sum(axis=1, keepdims=True)
    # A class without scans has no shares: its row stays blank.
    shares = np.divide(counts, support, out=np.zeros(counts.shape), where=support > 0)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        label = f"{count}\n{share:.0%}" if support[row] else f"{count}"
        ax.text(column, row, label, ha="center", va="center", color="white" if share > 0.5 else "black")
    positions = range(len(class_names))
    ax.set_xticks(positions, class_names, parse_math=False, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(positions, class_names, parse_math=False)
    ax.set(xlabel="predicted", ylabel="truth", title=title)
    return ax
