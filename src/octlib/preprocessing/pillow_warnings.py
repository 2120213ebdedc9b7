"""Pillow warnings: what Pillow warns of in damaged files is ignored while a scan is read, in that thread alone."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast


class _PillowHere:
    """Stands where a filter has the regular expression for modules: it matches Pillow's in a thread that reads."""

    pattern = "(?!)"  # scikit-learn builds filters anew from their patterns: from this, one that matches nothing

    def match(self, module: str) -> bool:
        """Say whether a warning from this module is to be ignored."""
        return module.startswith("PIL.") and getattr(_this_thread, "reads", False)


_this_thread = threading.local()
_lock = threading.Lock()
_FILTER = ("ignore", None, Warning, _PillowHere(), 0)


@contextmanager
def pillow_warnings_ignored() -> Iterator[None]:
    """Ignore Pillow's warnings in this thread, whatever the filters say; a warning never becomes an error either.

    A damaged file either can be read, or an error of octlib's names it; corrupt EXIF data or an announced decompression
    bomb is nothing to tell besides. ``warnings.catch_warnings`` would not do: it changes the filters of all threads,
    and where two threads overlap in it, it restores the wrong ones. The filter used here stays among the others, and
    matches nothing unless its own thread is in this block.

    Example:
        >>> with pillow_warnings_ignored():
        ...     warnings.warn_explicit("corrupt EXIF data", UserWarning, "file", 1, module="PIL.TiffImagePlugin")
    """
    _put_first()
    _this_thread.reads = True
    try:
        yield
    finally:
        _this_thread.reads = False


def _put_first() -> None:
    # A list, whatever its type stubs say; whoever adds a filter puts it in front.
    filters = cast("list[Any]", warnings.filters)
    if filters and filters[0] is _FILTER:
        return
    with _lock:
        if filters and filters[0] is _FILTER:
            return
        while _FILTER in filters:
            filters.remove(_FILTER)
        filters.insert(0, _FILTER)
