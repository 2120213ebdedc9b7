"""Threads: something done for every scan, by one pool of threads that lives as long as the process."""

from __future__ import annotations

import operator
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from octlib._progress import progress

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = os.cpu_count() or 1
AHEAD = 4 * THREADS  # items begun before their results are asked for: the threads stay busy, and nothing piles up

# By process, since a fork copies the pool without its threads; filled at first use.
_pools: dict[int, ThreadPoolExecutor] = {}
_thread = threading.local()


def in_threads(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    title: str = "",
    show: bool | None = False,
    ahead: int = AHEAD,
) -> Iterator[Result]:
    """Apply a function to many items at once, in the threads that all of octlib shares.

    Args:
        function: what to do; it must be safe to call from several threads.
        items: what to do it to.
        title: what stands before the progress bar.
        show: whether to draw one; ``None`` draws one where somebody can watch.
        ahead: how many items are begun, or done, before the caller takes their results.

    Yields:
        The results, in the order of the items. What isn't begun when the caller stops never is.

    Raises:
        Exception: the first that the function raises, in the order of the items.

    Example:
        >>> list(in_threads(abs, [-1, 2, -3], title="Numbers"))
        [1, 2, 3]
    """
    results = _results(function, items, ahead)
    yield from progress(results, total=operator.length_hint(items) or None, title=title, show=show)


def _results(function: Callable[[Item], Result], items: Iterable[Item], ahead: int) -> Iterator[Result]:
    if getattr(_thread, "is_in_pool", False):
        # Threads of the pool that waited for the pool could wait for each other for ever.
        yield from map(function, items)
        return
    pool, begun = _pool(), deque[Future[Result]]()
    try:
        for item in items:
            begun.append(pool.submit(function, item))
            if len(begun) > ahead:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()


def _pool() -> ThreadPoolExecutor:
    process = os.getpid()
    # Without a lock, which a fork could copy while it is held: a pool that comes too late has no threads yet.
    return _pools.get(process) or _pools.setdefault(
        process, ThreadPoolExecutor(THREADS, thread_name_prefix="octlib", initializer=_enter_pool)
    )


def _enter_pool() -> None:
    _thread.is_in_pool = True
