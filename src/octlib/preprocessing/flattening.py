"""Flattening: columns shifted until the retina lies level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from octlib.preprocessing.retina import find_retina
from octlib.preprocessing.shifts import Shift

LEVEL = 0.01  # of the scan's height: what rises and falls by less is level


def flatten_retina(scan: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shift the columns of a scan until the RPE lies level.

    The eye's curvature and the tilt of a scan go; what lifts the RPE, such as drusen, stays, since columns follow a
    parabola along it and not the RPE itself. ``octlib.preprocessing.find_retina`` says how it is found.

    Args:
        scan: uint8 (height, width) in 0-255, with white wedges blanked.

    Returns:
        uint8 (height, width): a copy where no retina is found, or it is level to within 1 % of the height; what is
        shifted in from outside of the scan is 0.

    Example:
        >>> columns = np.arange(512)
        >>> scan = np.full((496, 512), 20, dtype=np.uint8)
        >>> for top, bottom, grey in [(150, 165, 120), (165, 230, 70), (230, 250, 180)]:
        ...     for column in columns:
        ...         scan[top + column // 8 : bottom + column // 8, column] = grey
        >>> rpe = (flatten_retina(scan) == 180).argmax(axis=0)
        >>> int(np.ptp(scan.argmax(axis=0))), int(np.ptp(rpe)) <= 4
        (63, True)
    """
    shift = level(scan)
    return scan.copy() if shift is None else shift.take(scan)


def level(scan: NDArray[np.uint8]) -> Shift | None:
    """Find the shift that levels a scan: ``None`` where there is none to make."""
    retina = find_retina(scan)
    if retina is None or np.ptp(retina.curve) <= LEVEL * len(scan):
        return None
    return Shift(np.rint(retina.curve - np.median(retina.curve)).astype(np.intp), len(scan))
