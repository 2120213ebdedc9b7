"""Decision: net benefit over the threshold, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from octlib.evaluation.plots.axes import add_grid, add_legend, new_axes
from octlib.evaluation.plots.palette import GREY, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_decision_curve(
    thresholds: np.ndarray, net_benefit: np.ndarray, treat_all: np.ndarray, *, title: str, ax: Axes | None
) -> Axes:
    """Draw the net benefit of acting on the classifier, on everybody and on nobody.

    Args:
        thresholds: float (thresholds,) in (0, 1).
        net_benefit: float (thresholds,).
        treat_all: float (thresholds,).
        title: of the axes.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    ax = new_axes(5.4, 4) if ax is None else ax
    ax.plot(thresholds, net_benefit, label="classifier", **style(0))
    ax.plot(thresholds, treat_all, label="all are positive", color=style(1)["color"], linestyle="--")
    ax.axhline(0, label="none is positive", color=GREY, linewidth=1)
    top = max(net_benefit.max(), treat_all.max(), 0.01)
    # The line of all falls without end, and would flatten what is to be compared.
    ax.set(xlabel="threshold probability", ylabel="net benefit", xlim=(0, 1), ylim=(-0.3 * top, 1.1 * top))
    ax.set_title(title, parse_math=False)
    add_grid(ax)
    add_legend(ax, "upper right")
    return ax
