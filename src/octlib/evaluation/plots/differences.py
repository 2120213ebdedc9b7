"""Differences: of classifiers, each with its interval, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from octlib.evaluation.plots.axes import add_grid, add_legend, new_axes
from octlib.evaluation.plots.palette import COLOURS, GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^v"
SPREAD = 0.6  # of the height of a row, taken by all its pairs


def draw_differences(
    rows: Sequence[str], pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], *, ax: Axes | None
) -> Axes:
    """Draw differences as points with their intervals, a row for each metric.

    Args:
        rows: names of the rows, from above.
        pairs: for each pair of classifiers, by its name, the differences (rows,) and their intervals (rows, 2).
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    ax = new_axes(6, 1 + 0.2 * len(pairs) + len(rows) * (0.22 + 0.1 * len(pairs))) if ax is None else ax
    ax.axvline(0, color=GREY, linewidth=1)
    offsets = (np.arange(len(pairs)) - (len(pairs) - 1) / 2) * SPREAD / len(pairs)
    for number, (name, (differences, intervals)) in enumerate(pairs.items()):
        colour, heights = COLOURS[number % len(COLOURS)], np.arange(len(rows)) + offsets[number]
        ax.hlines(heights, *intervals.T, color=colour, linewidth=1.5)
        marker = MARKERS[number // len(COLOURS) % len(MARKERS)]
        ax.plot(differences, heights, marker, markersize=5, color=colour, label=name)
    ax.set_yticks(range(len(rows)), rows, parse_math=False)
    ax.invert_yaxis()
    ax.set_xlabel("difference" if len(pairs) > 1 else f"difference: {next(iter(pairs))}", parse_math=False)
    add_grid(ax)
    ax.grid(visible=False, axis="y")
    if len(pairs) > 1:
        add_legend(ax, "lower left", above=True)
    return ax
