"""Configuration format: the version of a classifier's settings, and how those of an older one are carried over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

VERSION = 1

# What turns the settings of a version into those of the next one. A new field with a default needs no new version.
CARRY_OVER: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def with_version(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Say of settings which version they are of.

    Args:
        settings: today's.

    Returns:
        The same, with their ``"version"``.
    """
    return {"version": VERSION, **settings}


def carried_over(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Bring settings of any version to today's.

    Args:
        settings: with their ``"version"``; this version's where it is missing.

    Returns:
        Today's settings, without the version.

    Raises:
        TypeError: if the version is no whole number.
        ValueError: if it is newer than this octlib, or older than any that it reads.

    Example:
        >>> carried_over({"version": 1, "pooling": "average"})
        {'pooling': 'average'}
    """
    carried = dict(settings)
    version = carried.pop("version", VERSION)
    if not isinstance(version, int):
        raise TypeError(f"The version of a classifier's settings must be a whole number, got {version!r}.")
    if version > VERSION:
        raise ValueError(f"version {version} is newer than this octlib, which reads up to {VERSION}. Upgrade octlib.")
    for number in range(version, VERSION):
        if number not in CARRY_OVER:
            raise ValueError(f"version {version} is older than any that this octlib reads.")
        carried = CARRY_OVER[number](carried)
    return carried


def require_known(what: str, settings: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse settings that nobody here knows.

    Args:
        what: they are settings of.
        settings: by name.
        known: the names that there are.

    Raises:
        ValueError: if there is another one: a newer octlib may have written it.
    """
    strange = sorted(set(settings) - set(known))
    if strange:
        raise ValueError(
            f"Unknown settings of {what}: {', '.join(map(repr, strange))}. A newer octlib may have written them: "
            "upgrade octlib."
        )
