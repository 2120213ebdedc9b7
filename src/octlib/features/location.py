"""Location: the folder in which octlib keeps what can be computed again."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "OCTLIB_CACHE"


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
