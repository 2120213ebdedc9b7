"""Checks: seeds and whole numbers, brought to plain integers or refused."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

SEEDS = 2**32  # what NumPy's global generator takes


def as_seed(seed: Any) -> int:
    """Bring a seed to a plain integer.

    Args:
        seed: a whole number from 0 to 2**32 - 1, NumPy's too.

    Returns:
        The seed.

    Raises:
        ValueError: if it is anything else.

    Example:
        >>> as_seed(7)
        7
    """
    if not _is_whole(seed) or not 0 <= seed < SEEDS:
        raise ValueError(f"seed must be a whole number from 0 to 2**32 - 1, got {seed!r}.")
    return operator.index(seed)


def as_whole(name: str, value: Any, minimum: int = 1) -> int:
    """Bring a whole number to a plain integer.

    Args:
        name: of the argument.
        value: what was given, NumPy's integers too.
        minimum: the smallest that makes sense.

    Returns:
        The number.

    Raises:
        ValueError: if it is no whole number, or a smaller one.

    Example:
        >>> as_whole("epochs", 3)
        3
    """
    if not _is_whole(value) or value < minimum:
        raise ValueError(f"{name} must be a whole number from {minimum} on, got {value!r}.")
    return operator.index(value)


def _is_whole(value: Any) -> bool:
    # True and False, NumPy's too, count as whole numbers to Python, but are a mistake here.
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        return False
    try:
        operator.index(value)
    except TypeError:  # of an array
        return False
    return True
