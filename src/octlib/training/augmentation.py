"""Augmentation: changes that another moment, exposure or device makes to an OCT B-scan, and no diagnosis."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

# By another moment and another exposure.
MAX_DEGREES = 7.0
MAX_SHIFT = 0.1  # of the frame's height and width
MAX_SCALE = 0.1  # of the frame's height, and of its width apart from it: no two devices stretch a pixel alike
MAX_BRIGHTNESS = 0.2
MAX_CONTRAST = 0.2
MAX_SPECKLE = 0.15  # standard deviation of fine grains, relative to the grey value; that of coarse ones is less

# By another device.
OTHER_DEVICE = 0.5  # share of the scans that are changed by this too
MAX_ZOOM = 1.0  # 0 keeps the frame, 1 comes as close as the bright rows
MAX_RETREAT = 0.5  # the same, away from them
MAX_GAMMA = 0.6  # of the logarithm of the exponent: displays show intensity by curves of their own
MAX_SHADING = 0.2  # from the middle to an edge
MAX_SHARPNESS = 1.0  # of what a blur takes away: added to sharpen, left out to smooth
MAX_RADIUS = 2.0  # pixels, of the blur
MAX_GRAIN = 3.0  # pixels that a grain of speckle is high or wide

DIM_ROWS = 0.05  # share of the brightness above, and below, the rows that count as bright
LOWEST_FRAME = 0.1  # of the scan's height, where a line is all that is bright


def augment_scans(scans: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change each scan a little, as another moment, another exposure and another device would.

    It is flipped, turned, shifted and stretched, its brightness and contrast change, and it gets further speckle. Half
    of the scans are also shown from further away or from closer, up to the rows where the retina is; their grey values
    get another gamma and shading; they are smoothed or sharpened, and their speckle has a random grain. Never upside
    down, since a retina has an up.

    Args:
        scans: uint8 (n, height, width).
        rng: draws the changes.

    Returns:
        uint8 (n, height, width); what comes into the frame is black, or nearly.

    Example:
        >>> scans = np.full((2, 224, 224), 90, dtype=np.uint8)
        >>> augment_scans(scans, np.random.default_rng(0)).shape
        (2, 224, 224)
    """
    return np.stack([_augmented(scan, rng) for scan in scans])


def mirror_scans(scans: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exchange left and right in about half of the scans.

    Args:
        scans: uint8 (n, height, width).
        rng: draws which.

    Returns:
        uint8 (n, height, width).
    """
    mirrored = draw_mirrored(len(scans), rng)[:, None, None]
    return np.where(mirrored, scans[:, :, ::-1], scans)


def draw_mirrored(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw which of n scans are seen in a mirror: bool (n,)."""
    return rng.random(n) < 0.5


def _augmented(scan: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    if rng.random() >= OTHER_DEVICE:
        moved = _moved(scan, (0.0, float(len(scan))), rng)
        return _exposed(np.asarray(moved, np.float32), (1.0, 1.0), rng)
    moved = _moved(scan, _frame(scan, rng.uniform(-MAX_RETREAT, MAX_ZOOM)), rng)
    shown = _sharpened(moved.point(_display_curve(rng)), rng) * _shading(scan.shape, rng)
    return _exposed(shown, rng.uniform(1, MAX_GRAIN, 2), rng)


def _moved(scan: NDArray[np.uint8], frame: tuple[float, float], rng: np.random.Generator) -> Image.Image:
    """Turn, shift, stretch and mirror a scan about the middle of a frame, which then fills the picture."""
    height, width = scan.shape
    return Image.fromarray(scan).transform(
        (width, height), Image.Transform.AFFINE, _map_to_input(height, width, frame, rng), Image.Resampling.BILINEAR
    )


def _display_curve(rng: np.random.Generator) -> list[int]:
    """Draw a gamma, and give the new grey of every old one."""
    gamma = math.exp(rng.uniform(-MAX_GAMMA, MAX_GAMMA))
    curve: list[int] = np.round(255 * np.linspace(0, 1, 256) ** gamma).astype(int).tolist()
    return curve


def _sharpened(scan: Image.Image, rng: np.random.Generator) -> NDArray[np.float32]:
    """Add some of what a blur takes away, or leave some of it out: float32 (height, width)."""
    blurred = scan.filter(ImageFilter.BoxBlur(rng.uniform(0, MAX_RADIUS)))
    sharpness = np.float32(rng.uniform(-MAX_SHARPNESS, MAX_SHARPNESS))
    plain = np.asarray(scan, np.float32)
    return plain + sharpness * (plain - np.asarray(blurred, np.float32))


def _exposed(
    scan: NDArray[np.float32], grain: tuple[float, float] | NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Change grey values as another exposure would; speckle is multiplicative, as in OCT itself."""
    brightness = np.float32(rng.uniform(1 - MAX_BRIGHTNESS, 1 + MAX_BRIGHTNESS))
    contrast = np.float32(rng.uniform(1 - MAX_CONTRAST, 1 + MAX_CONTRAST))
    exposed = scan * (contrast * brightness) + scan.mean() * (1 - contrast) * brightness
    exposed *= 1 + np.float32(rng.uniform(0, MAX_SPECKLE)) * _grains(scan.shape, grain, rng)
    return np.asarray(np.clip(np.rint(exposed), 0, 255), np.uint8)


def _shading(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw how much brighter it gets from the middle to the edges: a slope both ways."""
    down, across = (
        slope * np.linspace(-1, 1, length, dtype=np.float32)
        for slope, length in zip(rng.uniform(-MAX_SHADING, MAX_SHADING, 2), shape, strict=True)
    )
    return np.asarray((1 + down[:, None]) * (1 + across), np.float32)


def _grains(
    shape: tuple[int, ...], grain: tuple[float, float] | NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw noise of a standard deviation up to 1, about 0, whose grains are so many pixels high and wide."""
    height, width = shape
    rows, columns = (max(1, math.ceil(length / size)) for length, size in zip(shape, grain, strict=True))
    coarse = Image.fromarray(rng.standard_normal((rows, columns), np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BILINEAR))


def _map_to_input(height: int, width: int, frame: tuple[float, float], rng: np.random.Generator) -> tuple[float, ...]:
    """Draw an affine map from output to input pixels, as Pillow wants it: x' = a x + b y + c, ...

    The output shows a frame of the scan, which is turned, shifted and stretched about its middle.
    """
    top, bottom = frame
    angle = math.radians(rng.uniform(-MAX_DEGREES, MAX_DEGREES))
    tall, wide = rng.uniform(1 - MAX_SCALE, 1 + MAX_SCALE, 2) * ((bottom - top) / height, 1)
    flip = rng.choice([-1.0, 1.0])
    shift_x, shift_y = rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2) * (width, bottom - top)
    a, b = flip * wide * math.cos(angle), -flip * wide * math.sin(angle)
    d, e = tall * math.sin(angle), tall * math.cos(angle)
    middle_x, middle_y = width / 2, height / 2
    return (
        a,
        b,
        middle_x + shift_x - a * middle_x - b * middle_y,
        d,
        e,
        (top + bottom) / 2 + shift_y - d * middle_x - e * middle_y,
    )


def _frame(scan: NDArray[np.uint8], zoom: float) -> tuple[float, float]:
    """Give the upper and lower border of a frame: all rows at zoom 0, the bright ones at 1, more than all below 0."""
    rows = scan.mean(axis=1)
    light = np.cumsum(np.maximum(rows - np.median(rows), 0))
    if not light[-1]:
        return 0.0, float(len(scan))
    top, last = np.searchsorted(light, light[-1] * np.array([DIM_ROWS, 1 - DIM_ROWS]))
    missing = max(0.0, LOWEST_FRAME * len(scan) - (last + 1 - top)) / 2
    return zoom * (float(top) - missing), len(scan) - zoom * (float(len(scan) - 1 - last) - missing)
