"""Resampling: resizing inside a network, as a product with a matrix for either direction."""

from __future__ import annotations

import numpy as np


def resampling_matrix(before: int, after: int) -> np.ndarray:
    """Make the matrix that resizes rows or columns, antialiased: what Pillow's bilinear filter does, without rounding.

    A product is the same on every backend, has a gradient, and needs no operator of its own in an exported file.

    Args:
        before: pixels that there are.
        after: pixels that there shall be.

    Returns:
        float32 (after, before); rows sum to 1.

    Example:
        >>> resampling_matrix(4, 2) * 7
        array([[3., 3., 1., 0.],
               [0., 1., 3., 3.]], dtype=float32)
    """
    scale = before / after
    centres = (np.arange(after) + 0.5) * scale
    distances = np.abs(np.arange(before) + 0.5 - centres[:, None]) / max(scale, 1.0)
    weights = np.maximum(1 - distances, 0)
    matrix: np.ndarray = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix
