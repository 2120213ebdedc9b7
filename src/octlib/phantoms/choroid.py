"""Choroid: vessels between Bruch's membrane and the sclera, and light that fades below them."""

from __future__ import annotations

import numpy as np

from octlib.phantoms.anatomy import SURFACES, Floats
from octlib.phantoms.painting import Picture, cells_across
from octlib.phantoms.speckle import smooth_noise


def paint_choroid(rng: np.random.Generator, painted: Picture, surfaces: Floats, millimetres: float) -> None:
    """Darken the lumen of vessels, small ones above and large ones below, and let the light fade, in place.

    Args:
        rng: where the randomness comes from.
        painted: float32 (height, width).
        surfaces: rows from the top, float (len(SURFACES), width).
        millimetres: from the left to the right border.
    """
    membrane, sclera = surfaces[SURFACES.index("BM")], surfaces[SURFACES.index("CSI")]
    first = int(max(membrane.min(), 0))
    if painted.shape[0] - first > 1:  # else the choroid lies beyond the lower border
        _paint_below(rng, painted[first:], membrane - first, sclera - first, cells_across(millimetres))


def _paint_below(rng: np.random.Generator, below: Picture, membrane: Floats, sclera: Floats, across: int) -> None:
    height, width = below.shape
    rows = np.arange(height, dtype=np.float32)[:, None]
    thickness = np.float32(max(float((sclera - membrane).mean()), 1))
    depth = (rows - membrane.astype(np.float32)) / thickness  # 0 at Bruch's membrane, 1 at the sclera
    inside = depth > 0
    small = smooth_noise(rng, (height, width), (max(int(height / 7), 1), across * 3))
    large = smooth_noise(rng, (height, width), (max(int(height / 16), 1), int(across * 1.4)))
    weight = np.clip(depth * 1.6, 0, 1)
    vessels = np.clip((1 - weight) * small + weight * large, -1, 1.3)
    # The choroid keeps most of its light; below, it is gone within one to two times the choroid's thickness.
    fade = np.exp(
        -np.maximum(depth, 0) * np.float32(rng.uniform(0.45, 0.85)) - np.maximum(depth - 1, 0) * np.float32(0.15)
    )
    texture = 1 - np.float32(rng.uniform(0.16, 0.28)) * vessels / (1 + np.square(np.maximum(depth - 0.3, 0) * 1.4))
    streaks = 1 + 0.04 * smooth_noise(rng, (1, width), (1, width // 4))
    np.multiply(below, texture * fade * streaks, out=below, where=inside)
