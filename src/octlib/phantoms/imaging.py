"""Imaging: what a scanner makes of reflectivity: roll-off, speckle, noise, the curve of its display, white wedges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from octlib.phantoms.devices import Device
from octlib.phantoms.painting import Picture
from octlib.phantoms.speckle import correlated, speckle

WHITE = 255
# Noise keeps a mean of 0.9 standard deviations, so that 18 % of the pixels of an empty field are black: specks as
# in real scans; the mean of max(z + 0.9, 0) ** 0.25 of a standard normal z is 0.81.
LIFT, MEAN_GREY = 0.9, 0.81


def expose(
    rng: np.random.Generator, painted: Picture, device: Device, *, averaging: int, gain: float, haze: float
) -> NDArray[np.uint8]:
    """Turn a picture into grey values as a device would.

    Intensity is the fourth power of the painted grey. It rolls off with depth, is multiplied by speckle, and gets
    additive noise, of which the device takes most of the mean away; the fourth root of what is left is shown.

    Args:
        rng: where the randomness comes from.
        painted: float32 (height, width), mostly in 0-1.
        device: what takes the scan.
        averaging: how many independent frames are averaged, 1 or more.
        gain: factor on all grey values.
        haze: factor on the signal alone: below 1 where the eye's media are cloudy.

    Returns:
        uint8 (height, width) in 0-255.
    """
    height, width = painted.shape
    intensity = np.square(painted)
    np.square(intensity, out=intensity)
    depth = np.arange(height, dtype=np.float32)[:, None] * np.float32(device.depth / height)
    intensity *= np.float32(haze**4) * np.exp(-depth / np.float32(device.rolloff))
    intensity *= speckle(rng, (height, width), averaging)
    noise = rng.standard_normal((height, width), dtype=np.float32)
    noise *= np.float32(_noise(device))
    intensity += noise
    if device.grain:
        intensity = correlated(intensity)
    intensity += np.float32(LIFT * (device.floor / MEAN_GREY) ** 4)
    np.maximum(intensity, 0, out=intensity)
    for _ in range(2):
        np.sqrt(intensity, out=intensity)
    intensity *= np.float32(255 * gain)
    return np.minimum(intensity, WHITE, out=intensity).astype(np.uint8)


def _noise(device: Device) -> float:
    """Give the standard deviation of noise before its grains are spread, from the mean grey that is to remain."""
    spread = 6 / 16 if device.grain else 1.0  # what 1 : 2 : 1 both ways leaves of the standard deviation
    return float((device.floor / MEAN_GREY) ** 4 / spread)


def draw_wedges(rng: np.random.Generator, size: tuple[int, int]) -> tuple[float, float, float]:
    """Draw how a scan was turned and moved.

    Args:
        rng: where the randomness comes from.
        size: (height, width) in pixels.

    Returns:
        The first row of the scan in the middle column, the row after its last one, and its slope in rows a column.
    """
    height, width = size
    first = rng.uniform(-0.08, 0.09) * height
    return float(first), float(first + rng.uniform(0.92, 1.08) * height), float(rng.normal(0, 0.04 * height / width))


def wedge_mask(size: tuple[int, int], wedges: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Mark what a scan that was turned and moved doesn't cover: bool (height, width).

    Args:
        size: (height, width) in pixels.
        wedges: what ``draw_wedges`` gives.
    """
    height, width = size
    first, last, slope = wedges
    rows = np.arange(height)[:, None] - slope * (np.arange(width) - width / 2)
    mask: NDArray[np.bool_] = (rows < first) | (rows >= last)
    return mask
