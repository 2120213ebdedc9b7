"""Resizing: a scan at the size that a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from octlib.preprocessing.sizes import as_size


def resize_scan(scan: NDArray[np.uint8], size: SupportsIndex | Sequence[SupportsIndex]) -> NDArray[np.uint8]:
    """Resize a scan, antialiased; the aspect ratio is not kept.

    B-scans are stretched by their vendors already (a pixel is 2-4 micrometres high and 4-12 wide), so keeping the ratio
    of the pixels would keep nothing of the eye's.

    Args:
        scan: uint8 (height, width) in 0-255.
        size: (height, width) in pixels, or one number for a square.

    Returns:
        uint8 (height, width) of the new size, by Pillow's bilinear filter, which averages where it shrinks.

    Raises:
        TypeError: if ``size`` is no size.
        ValueError: if ``size`` is below one pixel.

    Example:
        >>> resize_scan(np.full((496, 512), 40, dtype=np.uint8), 100).shape
        (100, 100)
    """
    height, width = as_size(size)
    return np.array(Image.fromarray(scan).resize((width, height), Image.Resampling.BILINEAR))
