"""Sizes: one meaning for every image size, (height, width) in pixels."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import SupportsIndex


def as_size(size: SupportsIndex | Sequence[SupportsIndex]) -> tuple[int, int]:
    """Turn what a caller wrote for an image size into (height, width).

    Args:
        size: one whole number of pixels (a square) or the pair (height, width).

    Returns:
        (height, width) in pixels, as plain integers.

    Raises:
        TypeError: if ``size`` is neither a whole number nor a pair of them.
        ValueError: if a length is below one pixel.

    Example:
        >>> as_size(224), as_size((496, 768))
        ((224, 224), (496, 768))
    """
    lengths = size if isinstance(size, (tuple, list)) else (size, size)
    if len(lengths) != 2 or not all(_is_whole(length) for length in lengths):
        raise TypeError(
            f"An image size must be a whole number or (height, width), got {size!r}. Write 224 or (496, 512)."
        )
    height, width = (operator.index(length) for length in lengths)
    if min(height, width) < 1:
        raise ValueError(f"An image size must be at least one pixel each way, got {size!r}. Write 224 or (496, 512).")
    return height, width


def _is_whole(length: object) -> bool:
    # True and False are whole numbers to Python, but a mistake here.
    return isinstance(length, SupportsIndex) and not isinstance(length, bool)
