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
    for row in range(1, height):  # np.cumsum along the first axis gives the same, bit for bit, and takes longer
        steps[row] += steps[row - 1]
    return steps[:height]


def _greys(lesion: Lesion, width: int) -> list[Floats]:
    """Give the grey value below each surface: (width,) each."""
    greys = []
    for name in (*LAYERS, "choroid", "sclera"):
        grey = lesion.sub_level if name == "sub" else GREY[name]
        greys.append(np.broadcast_to(grey * lesion.levels.get(name, 1.0), (width,)))
    return greys


def paint_texture(rng: np.random.Generator, painted: Picture, millimetres: float) -> None:
    """Vary a picture as tissue varies, in place: faint streaks, mostly along the layers.

    Args:
        rng: where the randomness comes from.
        painted: float32 (height, width).
        millimetres: from the left to the right border.
    """
    height, width = painted.shape
    across = cells_across(millimetres)
    painted *= 1 + 0.035 * smooth_noise(rng, (height, width), (60, across))
    painted *= 1 + 0.03 * smooth_noise(rng, (1, width), (1, across))


def cells_across(millimetres: float) -> int:
    """Say in how many cells texture varies across a scan."""
    return max(int(millimetres * 6), 2)


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
