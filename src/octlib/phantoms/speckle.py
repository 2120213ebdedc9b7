"""Speckle: the grain of coherent light, and smooth random fields for texture and shading."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]


def speckle(rng: np.random.Generator, shape: tuple[int, int], averaging: int) -> Picture:
    """Draw multiplicative speckle, independent from pixel to pixel.

    Fully developed speckle has exponentially distributed intensity, with a contrast (standard deviation over mean) of
    1; averaging n independent frames, as OCT devices do, gives a gamma distribution with a contrast of 1 / sqrt(n)
    (Goodman, Speckle Phenomena in Optics, sections 3.2 and 3.3).

    Args:
        rng: where the randomness comes from.
        shape: (height, width) in pixels.
        averaging: how many frames are averaged; more is smoother.

    Returns:
        float32 (height, width) with mean 1.

    Example:
        >>> grain = speckle(np.random.default_rng(0), (200, 200), averaging=4)
        >>> round(float(grain.mean()), 2), round(float(grain.std()), 2)
        (1.0, 0.5)
    """
    if averaging == 1:
        return rng.standard_exponential(shape, dtype=np.float32)
    grain: Picture = rng.standard_gamma(averaging, size=shape, dtype=np.float32)
    grain /= np.float32(averaging)
    return grain


def correlated(picture: Picture) -> Picture:
    """Spread every pixel over its neighbours as 1 : 2 : 1 both ways: the point spread of a scanner.

    Args:
        picture: float32 (height, width).

    Returns:
        float32 (height, width) with the same mean but for the border.
    """
    padded = np.pad(picture, 1, mode="edge")
    down = padded[:-1] + padded[1:]
    down = down[:-1] + down[1:]
    across = down[:, :-1] + down[:, 1:]
    spread: Picture = across[:, :-1] + across[:, 1:]
    spread *= np.float32(1 / 16)
    return spread


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> Picture:
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
    field: Picture = np.linalg.multi_dot([down, coarse, across.T])
    return field


def _interpolation(pixels: int, cells: int) -> Picture:
    """Give the weight of every grid point (cells + 1 of them) in every pixel."""
    position = np.linspace(0, cells, pixels, dtype=np.float32)
    distance = np.abs(position[:, None] - np.arange(cells + 1, dtype=np.float32))
    weight: Picture = np.maximum(1 - distance, np.float32(0))
    return weight
