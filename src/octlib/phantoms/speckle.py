"""Speckle: the grain of coherent light, and smooth random fields for texture and shading."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def speckle(rng: np.random.Generator, shape: tuple[int, int], looks: float) -> NDArray[np.float32]:
    """Draw multiplicative speckle with grains about two pixels wide.

    Fully developed speckle has exponentially distributed intensity; averaging several looks, as OCT devices do, gives a
    gamma distribution (Goodman, Speckle Phenomena in Optics, section 3.3).

    Args:
        rng: where the randomness comes from.
        shape: (height, width) in pixels.
        looks: how many independent frames are averaged; more is smoother.

    Returns:
        float32 (height, width) with mean 1.

    Example:
        >>> grain = speckle(np.random.default_rng(0), (200, 200), looks=2)
        >>> round(float(grain.mean()), 2), bool(grain.min() > 0)
        (1.0, True)
    """
    height, width = shape
    grain = rng.standard_gamma(looks, size=(height, width + 1), dtype=np.float32)
    return (grain[:, 1:] + grain[:, :-1]) / np.float32(2 * looks)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> NDArray[np.float32]:
    """Draw a smooth random field: independent values on a coarse grid, interpolated linearly.

    Args:
        rng: where the randomness comes from.
        shape: (height, width) in pixels.
        cells: how many grid cells there are down and across; more makes finer texture.

    Returns:
        float32 (height, width), mostly within -2 and 2.

    Example:
        >>> smooth_noise(np.random.default_rng(0), (496, 512), cells=(20, 40)).shape
        (496, 512)
    """
    coarse = rng.standard_normal((cells[0] + 1, cells[1] + 1), dtype=np.float32)
    down, across = (_interpolation(pixels, count) for pixels, count in zip(shape, cells, strict=True))
    field: NDArray[np.float32] = np.linalg.multi_dot([down, coarse, across.T])
    return field


def _interpolation(pixels: int, cells: int) -> NDArray[np.float32]:
    """Give the weight of every grid point (cells + 1 of them) in every pixel."""
    position = np.linspace(0, cells, pixels, dtype=np.float32)
    distance = np.abs(position[:, None] - np.arange(cells + 1, dtype=np.float32))
    weight: NDArray[np.float32] = np.maximum(1 - distance, np.float32(0))
    return weight
