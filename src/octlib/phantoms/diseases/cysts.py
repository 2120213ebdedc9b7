"""Cysts: pockets of fluid side by side in a layer, with the septa between them."""

from __future__ import annotations

import numpy as np

from octlib.phantoms.lesion import Pocket


def row_of_cysts(
    rng: np.random.Generator,
    layer: str,
    centre: float,
    reach: float,
    *,
    widths: tuple[float, float],
    heights: tuple[float, float],
    density: float = 0.8,
) -> tuple[Pocket, ...]:
    """Line cysts up, smaller towards the ends.

    Args:
        rng: where the randomness comes from.
        layer: the layer that they lie in.
        centre: of the row, in millimetres right of the scan's middle.
        reach: half the length of the row in millimetres.
        widths: the smallest and the largest half width in millimetres.
        heights: the lowest and the highest share of the layer's thickness.
        density: the share of places that hold one; the first always does.

    Returns:
        The cysts, from left to right; one at least.
    """
    cysts: list[Pocket] = []
    x, end = centre - reach * rng.uniform(0.6, 1), centre + reach * rng.uniform(0.6, 1)
    while x < end or not cysts:
        near = 1 - 0.5 * min(abs(x - centre) / max(reach, 0.01), 1)
        width = near * rng.uniform(*widths)
        if rng.random() < density or not cysts:
            share = (0.6 + 0.4 * near) * rng.uniform(*heights)
            cysts.append(Pocket("IRF", layer, float(rng.uniform(0.42, 0.58)), float(x + width), float(width), share))
        x += 2 * width + rng.uniform(0.01, 0.06)
    return tuple(cysts)
