"""Groups: a metric of several groups as bars with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from octlib.evaluation.plots.axes import new_axes
from octlib.evaluation.plots.palette import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOM = 0.8  # that the bars of one group share, of 1


def draw_groups(
    bars: Mapping[str, Sequence[tuple[float, float, float]]],
    groups: Sequence[str],
    *,
    title: str,
    column: str,
    limits: tuple[float, float],
    ax: Axes | None = None,
) -> Axes:
    """Draw bars from 0, with a line over each interval; what is NaN is said to be undefined.

    Args:
        bars: for each class, or for "" alone, value, low and high of each group.
        groups: their names.
        title: of the axis of the values.
        column: whose values the groups have.
        limits: of the metric, which the axis shows in full.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    ax = new_axes(min(3 + 0.5 * len(groups) * len(bars), 20), 4) if ax is None else ax
    ink = ax.xaxis.label.get_color()  # that of the user's style, seen on its background
    places = np.arange(len(groups))
    width = ROOM / len(bars)
    for number, (label, each) in enumerate(bars.items()):
        value, low, high = np.array(each, dtype=float).T
        at = places + width * (number - (len(bars) - 1) / 2)
        # matplotlib leaves a label that begins with "_" out of the legend.
        name = f" {label}" if label.startswith("_") else label
        ax.bar(at, value, 0.9 * width, label=name, color=COLOURS[number % len(COLOURS)])
        ax.vlines(at, low, high, color=ink)
        for place in at[np.isnan(value)]:
            ax.text(place, 0, "undefined", rotation=90, ha="center", va="bottom")
    ax.set_xticks(places, groups, parse_math=False)
    ax.set_xlabel(column, parse_math=False)
    ax.set(ylabel=title, ylim=limits)
    if len(bars) > 1:
        for text in ax.legend().get_texts():
            text.set_parse_math(False)
    return ax
