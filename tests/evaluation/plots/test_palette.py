"""Palette: no two of a plot's lines look alike, and all are seen on light and on dark."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb

from octlib.evaluation.plots.palette import COLOURS, LINES, style


def luminance(colour):
    """Give the relative luminance of WCAG 2, in [0, 1]."""
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in to_rgb(colour)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_styles_differ_until_all_are_used():
    styles = [tuple(style(number).values()) for number in range(len(COLOURS) * len(LINES))]
    assert len(set(styles)) == len(styles)


def test_colours_are_seen_on_white_and_on_black():
    for colour in COLOURS:
        light = luminance(colour)
        assert 1.05 / (light + 0.05) > 1.8
        assert (light + 0.05) / 0.05 > 3
