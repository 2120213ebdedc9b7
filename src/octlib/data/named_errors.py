"""Named errors: whatever goes wrong while a file is read, the error says of which file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from octlib.errors import OctlibError


@contextmanager
def errors_named(path: Path) -> Iterator[None]:
    """Put the name of a file into the errors of this block that lack it.

    Args:
        path: what is read in the block.

    Raises:
        OctlibError: those of octlib, as they are but for the name.
        TypeError: likewise.
        ValueError: likewise, and in the place of other errors, which damage makes of a decoder.
        OSError: if the operating system fails.
        MemoryError: if there is no memory.

    Example:
        >>> with errors_named(Path("scans.csv")):
        ...     raise ValueError("a row is too long")
        Traceback (most recent call last):
        ValueError: scans.csv can't be read: a row is too long
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if path.name in str(error) or (isinstance(error, OSError) and error.filename is not None):
            raise
        if isinstance(error, OctlibError):
            raise type(error)(f"{path} can't be read: {error.problem}", error.advice) from error
        kind = TypeError if type(error) is TypeError else ValueError
        raise kind(f"{path} can't be read: {' '.join(str(error).split()) or type(error).__name__}") from error
