"""Arguments: what a classifier is built from, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from octlib._suggest import unknown

POOLINGS = ("average", "flatten")


def as_class_names(class_names: Sequence[Any]) -> tuple[str, ...]:
    """Bring class names to a tuple.

    Args:
        class_names: in the order of the outputs.

    Returns:
        The names.

    Raises:
        ValueError: if they are not at least two different names.
    """
    names = (class_names,) if isinstance(class_names, str) else tuple(class_names)
    are_names = all(isinstance(name, str) and name for name in names)
    if len(names) < 2 or len(set(names)) < len(names) or not are_names:
        raise ValueError(f"class_names must be at least two different names, got {list(names)}.")
    return names


def check_dropout(dropout: float) -> None:
    """Refuse a share that there can't be.

    Args:
        dropout: what was given.

    Raises:
        ValueError: if it is outside [0, 1).
    """
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), got {dropout}.")


def check_pooling(pooling: str) -> None:
    """Refuse a pooling that there isn't.

    Args:
        pooling: what was given.

    Raises:
        ValueError: if it is none of ``POOLINGS``.
    """
    if pooling not in POOLINGS:
        raise unknown("pooling", pooling, POOLINGS)


def check_frozen(frozen: bool) -> None:
    """Refuse what is neither true nor false.

    Args:
        frozen: what was given.

    Raises:
        TypeError: if it is anything else.
    """
    if not isinstance(frozen, bool):
        raise TypeError(f"frozen must be True or False, got {frozen!r}.")
