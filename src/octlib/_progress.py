"""Progress: one kind of bar for everything that takes long."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
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


def progress_of_bytes(chunks: Iterable[bytes], *, done: int, total: int | None, title: str) -> Iterator[bytes]:
    """Give chunks of bytes one by one, with a bar of how many have come, where somebody can watch.

    Args:
        chunks: what comes.
        done: how many bytes have come before.
        total: how many there are in all; ``None`` where nobody knows.
        title: what stands before the bar.

    Yields:
        The chunks.

    Example:
        >>> list(progress_of_bytes([b"ab", b"c"], done=0, total=3, title="abc"))
        [b'ab', b'c']
    """
    if not wanted(None):
        yield from chunks
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, initial=done, desc=title, unit="B", unit_scale=True, leave=False, delay=PATIENCE) as bar:
        for chunk in chunks:
            yield chunk
            bar.update(len(chunk))


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
