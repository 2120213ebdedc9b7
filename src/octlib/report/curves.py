"""Curves: plots as images inside a page, on a light ground and on a dark one."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (5.2, 3.6)  # inches
HEAD, TAIL = 24, 44  # letters of a text: of its name, and of the figures behind it
UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"
POINTS = 72  # to an inch, as SVG counts
# Whatever is drawn in this colour takes that of the page's text, which the reader's settings decide.
INK = "#010203"
INK_OF_THE_PAGE = (
    "<style>:root{color:#1c2321}@media(prefers-color-scheme:dark){:root{color:#e6ebe8}}"
    "@media print{:root{color:#000}}</style>"
)


def draw_curve(draw: Callable[..., Any], words: str, size: tuple[float, float] = SIZE) -> dict[str, Any]:
    """Give a plot as the template's picture takes it.

    Args:
        draw: draws on the axes that it is given as ``ax``.
        words: what the picture shows, for those who can't see it.
        size: width and height in inches.

    Returns:
        ``source``, ``words``, ``width`` and ``height`` of an SVG image without a ground.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    settings = dict.fromkeys(inked, INK) | {"svg.fonttype": "none", "svg.hashsalt": "octlib", "font.size": 11}
    with mpl.rc_context(settings):
        figure = Figure(figsize=size, layout="constrained")
        canvas = FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        draw(ax=axes)
        _without_ground(figure, axes)
        _fit_words(figure)
        file = io.BytesIO()
        canvas.print_svg(file, metadata={"Date": None})
    text = file.getvalue().decode("utf-8").replace(INK, "currentColor")
    head, start, rest = text.partition("<defs>")
    source = base64.b64encode(f"{head}{INK_OF_THE_PAGE}{start}{rest}".encode()).decode("ascii")
    width, height = (round(inches * POINTS) for inches in size)
    return {"source": f"data:image/svg+xml;base64,{source}", "words": words, "width": width, "height": height}


def _fit_words(figure: Any) -> None:
    """Shorten names that would leave no room for the plot, and replace what no image can hold."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        words = "".join(each if each.isprintable() or each == "\n" else UNPRINTABLE for each in text.get_text())
        text.set_text(words if len(words) <= HEAD + TAIL else f"{words[:HEAD]}\N{HORIZONTAL ELLIPSIS}{words[-TAIL:]}")


def _without_ground(figure: Any, axes: Axes) -> None:
    figure.patch.set_alpha(0)
    for each in (axes, *axes.child_axes):
        each.patch.set_alpha(0)
    legend = axes.get_legend()
    if legend is not None:
        legend.get_frame().set_alpha(0)
