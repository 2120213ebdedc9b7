"""Contrast: the same greys for vitreous and retina, whatever a device's gain and offset."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from octlib.preprocessing.retina import find_retina

VITREOUS = 20  # grey values
TISSUE = 85


def normalise_contrast(scan: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Map grey values linearly, so that the vitreous, the darker half of it, has a mean of 20 and the retina one of 85.

    These are about what Kermany's scans have. Both are means over many pixels (``octlib.preprocessing.find_retina``
    finds them), which neither speckle nor the share of the scan that the retina takes changes, as they do change
    percentiles of all pixels. Pixels of 0 stay 0: there the scan shows nothing, as in a blanked wedge.

    Args:
        scan: uint8 (height, width) in 0-255, with white wedges blanked.

    Returns:
        uint8 (height, width); a copy where no retina is found, or nothing lies above it.

    Example:
        >>> scan = np.full((496, 512), 10, dtype=np.uint8)
        >>> scan[200:215], scan[215:280], scan[280:300] = 60, 35, 90
        >>> np.unique(normalise_contrast(scan))
        array([ 20,  76, 131, 198], dtype=uint8)
    """
    retina = find_retina(scan)
    if retina is None or not 0 < retina.vitreous < retina.tissue:
        return scan.copy()
    gain = (TISSUE - VITREOUS) / (retina.tissue - retina.vitreous)
    table = np.clip(np.rint(VITREOUS + gain * (np.arange(256) - retina.vitreous)), 0, 255)
    table[0] = 0
    mapped: NDArray[np.uint8] = table.astype(np.uint8)[scan]
    return mapped
