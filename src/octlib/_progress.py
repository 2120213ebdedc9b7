"""Progress: one kind of bar for everything that takes long."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar, cast

Item = TypeVar("Item")

PATIENCE = 2  # seconds: what is done by then needs no bar


def progress(
    items: Iterable[Item], *, total: int | None = None, title: str = "", show: bool | None = None
) -> Iterable[Item]:
    """Wrap an iterable in a progress bar on standard error.

    Args:
        items: what to iterate over.
        total: how many items there are, where ``items`` has no length.
        title: what stands before the bar.
        show: ``True`` or ``False``; ``None`` shows it where somebody can watch, at a terminal or in a notebook, as soon
            as it has taken two seconds.

    Returns:
        An iterable over the same items.
    """
    if not wanted(show):
        return items
    from tqdm.auto import tqdm

    delay = 0 if show else PATIENCE
    return cast("Iterable[Item]", tqdm(items, total=total, desc=title, leave=False, delay=delay))


def wanted(show: bool | None) -> bool:
    """Say whether a bar should be drawn: as asked, else where somebody can watch."""
    if show is not None:
        return show
    return sys.stderr.isatty() or _in_notebook()


def _in_notebook() -> bool:
    # IPython is asked only if it is running already: importing it costs half a second.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"
