"""Painting: from layers and lesions to reflectivity, in grey values that an ideal scanner would show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from octlib.phantoms.anatomy import LAYERS, SURFACES, Floats
from octlib.phantoms.lesion import Lesion
from octlib.phantoms.speckle import smooth_noise

Picture = NDArray[np.float32]

# The grey value of each layer in 0-1, as the fourth root of reflectivity: nerve fibres, ellipsoid zone and RPE bright;
# plexiform layers brighter than nuclear ones; fluid dark (Staurenghi et al. 2014, Ophthalmology 121:1572, table 2).
GREY = {
    "ILM": 0.60, "NFL": 0.53, "GCL": 0.36, "IPL": 0.39, "INL": 0.275, "OPL": 0.36, "ONL": 0.255, "ELM": 0.33,
    "MZ": 0.27, "EZ": 0.60, "OS": 0.40, "SRF": 0.05, "SHRM": 0.50, "RPE": 0.74, "sub": 0.42, "choroid": 0.40,
    "sclera": 0.37,
}  # fmt: skip


def paint_layers(surfaces: Floats, height: int, lesion: Lesion) -> Picture:
    """Paint every layer at its grey value, anti-aliased along columns.

    Every surface adds its step of grey at its row, and the sum down the columns is the picture: one pass, however many
    layers there are.

    Args:
        surfaces: rows from the top, float (len(SURFACES), width).
        height: rows.
        lesion: changes the grey value of layers.

    Returns:
        float32 (height, width), mostly in 0-1.
    """
    width = surfaces.shape[1]
    steps = np.zeros((height + 2, width), dtype=np.float32)
    columns = np.arange(width)
    above: Floats | float = 0.0
    for surface, grey in zip(surfaces, _greys(lesion, width), strict=True):
        place = np.clip(surface, 0, height)
        first = place.astype(np.int64)
        share = (place - first).astype(np.float32)
        step = np.asarray(grey - above, dtype=np.float32)
        steps[first, columns] += step * (1 - share)
        steps[first + 1, columns] += step * share
        above = grey
    for row in range(1, height):  # seven times as fast as np.cumsum along the first axis, and bit for bit the same
        steps[row] += steps[row - 1]
    return steps[:height]


def _greys(lesion: Lesion, width: int) -> list[Floats]:
    """Give the grey value below each surface: (width,) each."""
    greys = []
    for name in (*LAYERS, "choroid", "sclera"):
        grey = lesion.sub_level if name == "sub" else GREY[name]
        greys.append(np.broadcast_to(grey * lesion.levels.get(name, 1.0), (width,)))
    return greys


def paint_texture(rng: np.random.Generator, painted: Picture, surfaces: Floats, millimetres: float) -> None:
    """Vary a picture as tissue varies, in place: faint streaks in the retina, vessels in the choroid.

    Args:
        rng: where the randomness comes from.
        painted: float32 (height, width).
        surfaces: rows from the top, float (len(SURFACES), width).
        millimetres: from the left to the right border.
    """
    height, width = painted.shape
    across = max(int(millimetres * 6), 2)
    painted *= 1 + 0.035 * smooth_noise(rng, (height, width), (60, across))
    painted *= 1 + 0.03 * smooth_noise(rng, (1, width), (1, across))
    membrane, sclera = surfaces[SURFACES.index("BM")], surfaces[SURFACES.index("CSI")]
    first = int(max(membrane.min(), 0))
    below = painted[first:]
    if below.shape[0] > 1:
        _paint_choroid(rng, below, membrane - first, sclera - first, across)


def _paint_choroid(rng: np.random.Generator, below: Picture, membrane: Floats, sclera: Floats, across: int) -> None:
    """Darken the lumen of vessels, small ones above and large ones below; blur the border to the sclera; fade out."""
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


def paint_shadows(painted: Picture, surfaces: Floats, lesion: Lesion) -> None:
    """Dim what lies below Bruch's membrane where a lesion takes the light, in place.

    Args:
        painted: float32 (height, width).
        surfaces: rows from the top, float (len(SURFACES), width).
        lesion: its ``transmission`` is used.
    """
    if np.all(np.asarray(lesion.transmission) == 1):
        return
    membrane = surfaces[SURFACES.index("BM")]
    first = int(np.clip(membrane.min(), 0, painted.shape[0]))
    rows = np.arange(first, painted.shape[0])[:, None]
    painted[first:] *= np.where(rows > membrane, lesion.transmission, 1.0).astype(np.float32)
