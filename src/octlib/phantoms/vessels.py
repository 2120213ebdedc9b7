"""Vessels: retinal vessels in cross-section, and the shadows that they throw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from octlib.phantoms.anatomy import LAYERS, Floats, View

if TYPE_CHECKING:
    from octlib.phantoms.painting import Picture

AVASCULAR = 0.45  # millimetres around the fovea without vessels


def paint_vessels(
    rng: np.random.Generator, painted: Picture, surfaces: Floats, view: View, x: Floats, pixel: tuple[float, float]
) -> int:
    """Paint vessels into the inner retina and dim the columns below them, in place.

    Args:
        rng: where the randomness comes from.
        painted: float32 (height, width).
        surfaces: rows from the top, float (len(SURFACES), width).
        view: says where the fovea is.
        x: millimetres right of the scan's middle, (width,).
        pixel: micrometres of one pixel, (down, across).

    Returns:
        How many there are.
    """
    number = int(rng.integers(2, 9))
    for place in rng.uniform(x[0], x[-1], size=number):
        radius, darkness = rng.uniform(18, 60), rng.uniform(0.05, 0.28)
        if view.pit * AVASCULAR < abs(place - view.fovea):
            _paint_one(painted, surfaces, x, pixel, float(place), float(radius), float(darkness))
    return number


def _paint_one(
    painted: Picture, surfaces: Floats, x: Floats, pixel: tuple[float, float], place: float, radius: float,
    darkness: float,
) -> None:  # fmt: skip
    """Paint a bright wall with a darker lumen into the ganglion cells, and the shadow down to the lower border."""
    across = (x - place) * 1000 / radius
    window = slice(*np.searchsorted(across, (-1.6, 1.6)))
    if window.start == window.stop:
        return
    column = min(int(np.searchsorted(across, 0)), x.size - 1)
    middle = surfaces[LAYERS.index("GCL"), column]
    down = radius / pixel[0]
    top, bottom = (int(np.clip(middle + sign * down, 0, painted.shape[0])) for sign in (-1, 1))
    rows = (np.arange(top, bottom) - middle)[:, None] / down
    inside = across[window] ** 2 + rows**2
    wall = np.where(inside < 1, 0.06 + 0.06 * inside - 0.06 * np.maximum(rows, 0), 0)
    painted[top:bottom, window] += wall.astype(np.float32)
    shadow = 1 - darkness * np.exp(-(across[window] ** 2) * 1.5)
    painted[bottom:, window] *= shadow.astype(np.float32)
