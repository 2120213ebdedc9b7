"""Axes: what all plots of an evaluation have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from octlib.evaluation.plots.palette import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def new_axes(width: float, height: float) -> Axes:
    """Make axes in a figure of their own, in inches; text and background are what the user's style says."""
    import matplotlib.pyplot as plt

    ax: Axes = plt.subplots(figsize=(width, height), layout="constrained")[1]
    return ax


def add_grid(ax: Axes) -> None:
    """Draw a grid that is seen on light and dark backgrounds, behind everything else."""
    ax.grid(color=GREY, alpha=0.3, linewidth=0.8)
    ax.set_axisbelow(True)


def add_legend(ax: Axes, location: str, *, title: str | None = None, above: bool = False) -> None:
    """Show what the lines are, inside of the axes or above them; a dollar sign in the name of a class is no formula."""
    place = {"bbox_to_anchor": (0, 1)} if above else {}
    legend = ax.legend(loc=location, title=title, fontsize="small", title_fontsize="small", **place)
    for text in legend.get_texts():
        text.set_parse_math(False)
