"""Painting: from layers and lesions to what an OCT device would show, and to the mask of the lesions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from octlib.phantoms.anatomy import DEPTH, LAYERS, WIDTH, Floats
from octlib.phantoms.lesions import Cyst
from octlib.phantoms.speckle import smooth_noise, speckle

Picture = NDArray[np.float32]

# How bright each layer is drawn, 0 to 1: nerve fibres, ellipsoid zone and RPE bright; nuclear layers and fluid dark.
BRIGHTNESS = {
    "vitreous": 0.02, "NFL": 0.60, "GCL": 0.40, "INL": 0.24, "OPL": 0.42, "ONL": 0.19, "EZ": 0.66, "OS": 0.38,
    "fluid": 0.03, "material": 0.56, "RPE": 0.80, "deposit": 0.42, "choroid": 0.40,
}  # fmt: skip
CYST = 0.04
BLUR = 8.0  # micrometres over which one layer passes into the next
OF_LESIONS = ("fluid", "material", "deposit")


def depths(height: int) -> Picture:
    """Give the middle of every row in micrometres below the upper border: float32 (height, 1)."""
    return ((np.arange(height, dtype=np.float32) + 0.5) * np.float32(DEPTH / height))[:, None]


def paint_layers(surfaces: Floats, height: int, choroid: float) -> Picture:
    """Paint every layer at its brightness; the choroid fades with depth.

    Args:
        surfaces: micrometres below the upper border, (len(LAYERS) + 1, width), from ``boundaries``.
        height: rows.
        choroid: micrometres in which the choroid's signal falls to a third.

    Returns:
        float32 (height, width) in 0-1.
    """
    z = depths(height)
    surfaces = surfaces.astype(np.float32)
    values = np.array([BRIGHTNESS[name] for name in ("vitreous", *LAYERS, "choroid")], dtype=np.float32)
    painted = np.zeros((height, surfaces.shape[1]), dtype=np.float32)
    rows = np.full_like(z, values[0])
    for surface, step in zip(surfaces, np.diff(values), strict=True):
        # Only the rows that a surface crosses need work for every pixel; in those below it is a constant.
        first, last = np.searchsorted(z[:, 0], (surface.min() - BLUR, surface.max() + BLUR))
        painted[first:last] += step * _ramp(z[first:last], surface)
        rows[last:] += step
    painted += rows
    first = np.searchsorted(z[:, 0], surfaces[-1].min())
    painted[first:] *= np.exp(np.minimum(surfaces[-1] - z[first:], 0) / np.float32(choroid))
    return painted


def _ramp(z: Picture, surface: Picture) -> Picture:
    """Give 0 above a surface, 1 below it, and a straight line across its blur."""
    share = (z - surface) * np.float32(1 / BLUR)
    share += np.float32(0.5)
    return np.clip(share, 0, 1, out=share)


def lesion_mask(surfaces: Floats, cysts: Iterable[Cyst], height: int) -> NDArray[np.bool_]:
    """Mark every pixel whose middle lies in fluid, material, a deposit or a cyst.

    Args:
        surfaces: micrometres below the upper border, (len(LAYERS) + 1, width).
        cysts: pockets of fluid.
        height: rows.

    Returns:
        bool (height, width).
    """
    z = depths(height)
    mask = np.zeros((height, surfaces.shape[1]), dtype=np.bool_)
    for name in OF_LESIONS:
        index = LAYERS.index(name)
        mask |= (z >= surfaces[index]) & (z < surfaces[index + 1])
    for window, inside in _ellipses(surfaces, cysts, height):
        mask[:, window] |= inside <= 1
    return mask


def paint_cysts(painted: Picture, surfaces: Floats, cysts: Iterable[Cyst]) -> None:
    """Paint cysts dark into a picture, in place, each with a thin brighter wall.

    Args:
        painted: float32 (height, width) in 0-1.
        surfaces: micrometres below the upper border, (len(LAYERS) + 1, width).
        cysts: what to paint.
    """
    for window, inside in _ellipses(surfaces, cysts, painted.shape[0]):
        part = painted[:, window]
        part[inside <= 1] = CYST
        part[(inside > 1) & (inside < 1.3)] *= np.float32(1.2)


def _ellipses(surfaces: Floats, cysts: Iterable[Cyst], height: int) -> Iterator[tuple[slice, Floats]]:
    """Give for each cyst its columns and, in them, the squared distance from its middle (1 on its rim)."""
    z, width = depths(height), surfaces.shape[1]
    for cyst in cysts:
        middle, reach = (cyst.x / WIDTH + 0.5) * width, 1.2 * cyst.half_width / WIDTH * width
        window = slice(max(0, int(middle - reach)), min(width, int(middle + reach) + 2))
        column = min(max(int(middle), 0), width - 1)
        top, bottom = surfaces[LAYERS.index(cyst.layer) + np.arange(2)]
        across = (np.arange(window.start, window.stop) + 0.5 - middle) / (reach / 1.2)
        half_height = cyst.share * (bottom[column] - top[column]) / 2
        # The middle follows the layer, so a cyst tilts with it.
        yield window, across**2 + ((z - (top + bottom)[window] / 2) / half_height) ** 2


def paint_texture(rng: np.random.Generator, painted: Picture, surfaces: Floats) -> None:
    """Vary a picture smoothly, in place: faintly in the retina, strongly below the RPE, where tissue is coarser.

    Args:
        rng: where the randomness comes from.
        painted: float32 (height, width) in 0-1.
        surfaces: micrometres below the upper border, (len(LAYERS) + 1, width).
    """
    height, width = painted.shape
    texture = smooth_noise(rng, (height, width), (45, 45))
    below = depths(height) > surfaces[LAYERS.index("deposit")].astype(np.float32)
    texture *= np.where(below, np.float32(0.35), np.float32(0.08))
    painted *= np.clip(1 + texture, 0.2, 2)
    painted *= 1 + 0.06 * smooth_noise(rng, (1, width), (1, 12))  # illumination differs across the scan


def expose(rng: np.random.Generator, painted: Picture, brightness: float) -> NDArray[np.uint8]:
    """Turn a picture into grey values as a device would: speckle, noise, and an exposure of its own for each scan.

    Exposure differs more between scans than between diseases, so that grey values alone tell nothing.

    Args:
        rng: where the randomness comes from.
        painted: float32 (height, width) in 0-1.
        brightness: the patient's factor on all signal.

    Returns:
        uint8 (height, width) in 0-255.
    """
    gain = brightness * rng.uniform(0.85, 1.15) * 215
    curve, floor, looks = rng.uniform(0.85, 1.25), rng.uniform(5, 40), rng.uniform(6, 20)
    signal = np.float32(gain) * painted ** np.float32(curve)
    noise = np.float32(floor) * rng.standard_exponential(painted.shape, dtype=np.float32)
    return np.clip(signal * speckle(rng, signal.shape, looks) + noise, 0, 255).astype(np.uint8)
