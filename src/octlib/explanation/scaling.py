"""Scaling: what a method found, as maps between 0 and 1 at the size of the scans."""

from __future__ import annotations

import numpy as np
from pytorch_grad_cam.utils.image import scale_cam_image


def enlarge(found: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarge maps and scale each of them, as pytorch-grad-cam does.

    Args:
        found: float (n, rows, columns); what is below 0 speaks against the class, and counts as 0.
        size: (height, width) of the scans in pixels.

    Returns:
        float32 (n, height, width) in [0, 1].

    Example:
        >>> enlarge(np.array([[[-1.0, 2.0]]]), (1, 2)).round(3)
        array([[[0., 1.]]], dtype=float32)
    """
    enlarged = scale_cam_image(np.maximum(found, 0), size[::-1])
    return np.asarray(np.clip(scale_cam_image(enlarged), 0, 1), np.float32)
