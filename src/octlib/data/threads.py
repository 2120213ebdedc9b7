"""Threads: something done for every scan, by as many threads as there are cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from octlib._progress import progress as bar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Items handed to the threads at a time: enough to keep them busy, few enough that nothing but results piles up.
BATCH = 256


def in_threads(
    function: Callable[[Item], Result], items: Sequence[Item], *, title: str, show: bool | None = False
) -> Iterator[Result]:
    """Apply a function to many items at once.

    Args:
        function: what to do; it must be safe to call from several threads.
        items: what to do it to.
        title: what stands before the progress bar.
        show: whether to draw one; ``None`` draws one where somebody can watch.

    Yields:
        The results, in the order of the items.

    Raises:
        Exception: the first that the function raises, in the order of the items.

    Example:
        >>> list(in_threads(abs, [-1, 2, -3], title="Numbers"))
        [1, 2, 3]
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        batches = (items[start : start + BATCH] for start in range(0, len(items), BATCH))
        done = (result for batch in batches for result in pool.map(function, batch))
        yield from bar(done, total=len(items), title=title, show=show)
