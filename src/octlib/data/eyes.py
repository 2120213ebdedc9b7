"""Eyes: right and left, however tables and files spell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from octlib.data.columns import as_text, objects

SPELLINGS = {"right": "right", "r": "right", "od": "right", "left": "left", "l": "left", "os": "left"}


def eye_of(value: object) -> str | None:
    """Tell which eye is meant.

    Example:
        >>> eye_of("OD"), eye_of(" l "), eye_of("both")
        ('right', 'left', None)
    """
    return SPELLINGS.get((as_text(value) or "").lower())


def spelt_alike(columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Spell what tells volumes apart in one way.

    Args:
        columns: by name (n,) of any type.

    Returns:
        The same; known spellings in ``eye`` are ``"right"`` and ``"left"``, and whatever stands for an unknown eye or
        volume is ``None``. Other values, and columns of numbers, stay as they are.

    Example:
        >>> spelt_alike({"eye": objects(["OD", "l", "both", ""])})
        {'eye': array(['right', 'left', 'both', None], dtype=object)}
    """
    found = dict(columns)
    for name in found.keys() & {"eye", "volume"}:
        if found[name].dtype == object:
            known = [None if as_text(value) is None else value for value in found[name]]
            found[name] = objects([eye_of(value) or value for value in known] if name == "eye" else known)
    return found
