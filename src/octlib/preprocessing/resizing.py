"""Resizing: a scan at the size that a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from octlib._suggest import unknown
from octlib.preprocessing.sizes import as_size

POLICIES = ("stretch", "pad", "crop")
Floats = NDArray[np.float32]


def resize_scan(
    scan: NDArray[np.uint8], size: SupportsIndex | Sequence[SupportsIndex], policy: str = "stretch"
) -> NDArray[np.uint8]:
    """Resize a scan, antialiased.

    B-scans are stretched by their vendors already (a pixel is 2-4 micrometres high and 4-12 wide), so keeping the ratio
    of the pixels keeps the eye's only among scans of one device and one protocol.

    Args:
        scan: uint8 (height, width) in 0-255.
        size: (height, width) in pixels, or one number for a square.
        policy: ``"stretch"`` fills the size, whatever that does to the aspect ratio; ``"pad"`` keeps it, to within a
            pixel, and leaves black what is too much above and below, or left and right; ``"crop"`` keeps it, and cuts
            off what sticks out there.

    Returns:
        uint8 (height, width) of the new size, by Pillow's bilinear filter, which averages where it shrinks.

    Raises:
        TypeError: if ``size`` is no size.
        ValueError: if ``size`` is below one pixel, or the policy is unknown.

    Example:
        >>> scan = np.full((496, 992), 40, dtype=np.uint8)
        >>> resize_scan(scan, 100).shape
        (100, 100)
        >>> [int((resize_scan(scan, 100, policy) > 0).sum()) for policy in ("stretch", "pad", "crop")]
        [10000, 5000, 10000]
    """
    size = as_size(size)
    if policy not in POLICIES:
        raise unknown("resize policy", policy, POLICIES)
    if policy == "crop":
        top, left, height, width = _kept(scan.shape, size)
        bottom, right = min(top + height, scan.shape[0]), min(left + width, scan.shape[1])
        return _resized(scan, size, (left, top, right, bottom))
    if policy == "stretch":
        return _resized(scan, size)
    top, left, height, width = _filled(scan.shape, size)
    padded = np.zeros(size, np.uint8)
    padded[top : top + height, left : left + width] = _resized(scan, (height, width))
    return padded


def lay_back(image: Floats, shape: tuple[int, ...], policy: str = "stretch") -> Floats:
    """Undo ``resize_scan`` on a map that was made of its result.

    Args:
        image: float32 (height, width), as large as what ``resize_scan`` returned.
        shape: (height, width) of the scan.
        policy: it was resized by.

    Returns:
        float32 of that shape; 0 where scans are cropped.

    Example:
        >>> lay_back(np.ones((2, 2), np.float32), (2, 4), "crop")
        array([[0., 1., 1., 0.],
               [0., 1., 1., 0.]], dtype=float32)
    """
    height, width = shape
    if policy == "pad":
        above, beside, rows, columns = _filled(shape, image.shape)
        image = image[above : above + rows, beside : beside + columns]
    if policy != "crop":
        return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
    top, left, *kept = _kept(shape, image.shape)
    rows, columns = (max(round(length), 1) for length in kept)
    laid = np.zeros((height, width), np.float32)
    within = np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BICUBIC))
    laid[round(top) : round(top) + rows, round(left) : round(left) + columns] = within
    return laid


def _resized(
    scan: NDArray[np.uint8], size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> NDArray[np.uint8]:
    return np.array(Image.fromarray(scan).resize(size[::-1], Image.Resampling.BILINEAR, box))


def _filled(shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Give (top, left, height, width) of a scan within ``size``: margins of both sides are equal."""
    scale = min(to / of for to, of in zip(size, shape, strict=True))
    top, left = (min(round((to - of * scale) / 2), (to - 1) // 2) for to, of in zip(size, shape, strict=True))
    return top, left, size[0] - 2 * top, size[1] - 2 * left


def _kept(shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Give (top, left, height, width) of what is kept of a scan."""
    scale = max(to / of for to, of in zip(size, shape, strict=True))
    height, width = (min(to / scale, of) for to, of in zip(size, shape, strict=True))
    return (shape[0] - height) / 2, (shape[1] - width) / 2, height, width
