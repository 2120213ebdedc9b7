"""Interrupts: Ctrl-C that is heard in passes and in training, where Python would drop it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def heard_interrupts() -> Iterator[Callable[[], None]]:
    """Keep Ctrl-C from being lost.

    Python drops a ``KeyboardInterrupt`` that is raised while an object is deleted or garbage is collected, and JAX is
    called back at every collection: most of the time that its main thread runs any Python during a step.

    Yields:
        A function to call from time to time: it raises the ``KeyboardInterrupt`` that was dropped, if one was.

    Example:
        >>> from octlib._interrupts import heard_interrupts
        >>> with heard_interrupts() as require_uninterrupted:
        ...     for step in range(3):
        ...         require_uninterrupted()
    """
    interrupted = False

    def interrupt(number: int, frame: Any) -> None:
        nonlocal interrupted
        interrupted = True
        signal.default_int_handler(number, frame)

    def require_uninterrupted() -> None:
        if interrupted:
            raise KeyboardInterrupt

    # Only the main thread may set a handler, and a program that has one of its own decides itself.
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield require_uninterrupted
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield require_uninterrupted
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
