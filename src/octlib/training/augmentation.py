"""Augmentation: changes that an OCT B-scan can undergo and stay the same diagnosis."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

MAX_DEGREES = 7.0
MAX_SHIFT = 0.1  # of the height and of the width
MAX_SCALE = 0.1
MAX_BRIGHTNESS = 0.2
MAX_CONTRAST = 0.2
MAX_SPECKLE = 0.15  # standard deviation, relative to the grey value


def augment_scans(scans: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flip, turn, shift and scale each scan a little, and change its brightness, contrast and speckle.

    Never upside down, since a retina has an up.

    Args:
        scans: uint8 (n, height, width).
        rng: draws the changes.

    Returns:
        uint8 (n, height, width); what comes into the frame is black.
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


def _augmented(scan: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = scan.shape
    moved = Image.fromarray(scan).transform(
        (width, height), Image.Transform.AFFINE, _map_to_input(height, width, rng), Image.Resampling.BILINEAR
    )
    return _exposed(np.asarray(moved, np.float32), rng)


def _exposed(scan: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change grey values as another exposure would; speckle is multiplicative, as in OCT itself."""
    brightness = rng.uniform(1 - MAX_BRIGHTNESS, 1 + MAX_BRIGHTNESS)
    contrast = rng.uniform(1 - MAX_CONTRAST, 1 + MAX_CONTRAST)
    speckle = 1 + rng.uniform(0, MAX_SPECKLE) * rng.standard_normal(scan.shape, np.float32)
    mean = scan.mean()
    exposed = ((scan - mean) * contrast + mean) * brightness * speckle
    return np.asarray(np.clip(exposed, 0, 255), np.uint8)


def _map_to_input(height: int, width: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Draw an affine map about the centre, from output to input pixels, as Pillow wants it: x' = a x + b y + c, ..."""
    angle = math.radians(rng.uniform(-MAX_DEGREES, MAX_DEGREES))
    scale = rng.uniform(1 - MAX_SCALE, 1 + MAX_SCALE)
    flip = rng.choice([-1.0, 1.0])
    shift_x, shift_y = rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2) * (width, height)
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    centre_x, centre_y = width / 2, height / 2
    return (
        flip * cosine,
        -flip * sine,
        centre_x - flip * (cosine * centre_x - sine * centre_y) + shift_x,
        sine,
        cosine,
        centre_y - (sine * centre_x + cosine * centre_y) + shift_y,
    )
