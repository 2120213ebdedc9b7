"""Cropping: the rows that hold the retina, with a margin in proportion to it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from octlib.preprocessing.retina import find_retina
from octlib.preprocessing.shifts import Shift

ABOVE = 0.25  # margins, in thicknesses of the retina
BELOW = 0.75  # room for the RPE, and half of a choroid
CLOSE = 0.03  # of the scan's height: a crop that moves neither border further is none


def crop_retina(scan: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep the rows from above the inner limiting membrane to below the RPE.

    The margins are a quarter of the retina's median thickness above its highest point, and three quarters of it below
    the lowest point of the RPE, whose upper border is found (``octlib.preprocessing.find_retina`` says how). So neither
    the depth of the field nor the place of the retina in it matters any longer.

    Args:
        scan: uint8 (height, width) in 0-255, with white wedges blanked.

    Returns:
        uint8 (another height, width): a copy where no retina is found, or the scan is cropped like this already; where
        margins reach beyond the scan, they are 0.

    Example:
        >>> scan = np.full((496, 512), 20, dtype=np.uint8)
        >>> scan[200:215], scan[215:280], scan[280:300] = 120, 70, 180
        >>> cropped = crop_retina(scan)
        >>> cropped.shape, int(cropped[:, 0].argmax())  # 20 rows of vitreous, then the retina
        ((164, 512), 103)
    """
    shift = close_rows(scan)
    return scan.copy() if shift is None else shift.take(scan)


def close_rows(scan: NDArray[np.uint8]) -> Shift | None:
    """Find the rows that hold the retina: ``None`` where all of them are to stay."""
    retina = find_retina(scan)
    if retina is None:
        return None
    top = math.floor(retina.top - ABOVE * retina.thickness)
    bottom = math.ceil(max(retina.lower.max(), retina.curve.max()) + BELOW * retina.thickness)
    if max(abs(top), abs(bottom - len(scan))) <= CLOSE * len(scan):
        return None
    return Shift(np.full(scan.shape[1], top), bottom - top)
