"""Cache: the folder in which octlib keeps what can be computed or downloaded again, and how large it may become."""

from __future__ import annotations

import os
import re
from pathlib import Path

VARIABLE = "OCTLIB_CACHE"
LIMIT_VARIABLE = "OCTLIB_CACHE_LIMIT"
DEFAULT_LIMIT = "10 GB"
UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


def cache_folder() -> Path:
    """Return octlib's cache folder, which may not exist yet: nothing is made before it is needed.

    Returns:
        What the environment variable ``OCTLIB_CACHE`` says, else the place that the operating system has for caches
        (``~/.cache/octlib`` on Linux).
    """
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser()
    from platformdirs import user_cache_path

    return Path(user_cache_path("octlib", appauthor=False))


def features_folder() -> Path:
    """Return the folder in octlib's cache folder in which features are kept."""
    return cache_folder() / "features"


def datasets_folder() -> Path:
    """Return the folder in octlib's cache folder in which downloaded data sets are kept."""
    return cache_folder() / "datasets"


def cache_limit() -> int:
    """Return how many bytes of features may be kept.

    Returns:
        What the environment variable ``OCTLIB_CACHE_LIMIT`` says, such as ``"20 GB"``, else 10 GB; 0 keeps nothing.

    Raises:
        ValueError: if the variable is no size.

    Example:
        >>> cache_limit()
        10000000000
    """
    given = os.environ.get(LIMIT_VARIABLE) or DEFAULT_LIMIT
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?b)|0", given.strip().lower())
    if found is None:
        raise ValueError(f"{LIMIT_VARIABLE} must be a size such as '20 GB' or '500 MB', or 0, got {given!r}.")
    number, unit = found.groups()
    return int(float(number) * UNITS[unit]) if number else 0
