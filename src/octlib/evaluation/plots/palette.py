"""Palette: colours that everybody can tell apart, on light and on dark backgrounds."""

from __future__ import annotations

# Okabe & Ito, Color Universal Design, 2008; without black and yellow, lost on dark and on light backgrounds.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("-", "--", ":", "-.")
GREY = "0.5"  # of what is no data: grids, diagonals, bars in the background


def style(number: int) -> dict[str, str]:
    """Give the colour and the line of the class or pair with a number, as arguments of ``Axes.plot``.

    Example:
        >>> style(0), style(6)
        ({'color': '#0072B2', 'linestyle': '-'}, {'color': '#0072B2', 'linestyle': '--'})
    """
    line = LINES[number // len(COLOURS) % len(LINES)]
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": line}
