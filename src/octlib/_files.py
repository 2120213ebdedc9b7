"""Files: written whole or not at all, whatever happens in the middle."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PART = ".part"  # in the name of every file that is still being written


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Write a file beside its place and move it there in one step.

    A process that is killed leaves the former file, and perhaps one named ``.*.part*`` beside it.

    Args:
        target: the file that is to be; its folder is made if there is none.

    Yields:
        Where to write. It has the target's suffix, and is gone if the block fails.

    Raises:
        OSError: if it can't be written.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "note.txt"
        >>> with written_whole(file) as part:
        ...     _ = part.write_text("all of it")
        >>> file.read_text()
        'all of it'
    """
    part = target.with_name(f".{target.stem}-{secrets.token_hex(4)}{PART}{target.suffix}")
    try:
        with failure_named(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            part.touch()  # A disk that refuses does so before the work.
            yield part
            with part.open("rb+") as file:
                os.fsync(file.fileno())  # else a power cut can leave the new name with nothing behind it
            part.replace(target)
    finally:
        with suppress(OSError):  # there is none if all went well, or if its folder could not be made
            part.unlink()


@contextmanager
def failure_named(target: Path) -> Iterator[None]:
    """Say of a full or a read-only disk what was to be written, and what to do.

    Args:
        target: the file or folder that is to be.

    Raises:
        OSError: if the block fails to write.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error.__cause__, OSError):  # it has been said already
            raise
        reason = error.strerror or error
        raise type(error)(
            f"{target} could not be written ({reason}), and what was there is as it was. Make room, or choose another "
            "place."
        ) from error


def is_part(path: Path) -> bool:
    """Tell whether a file is one that ``written_whole`` left behind."""
    return re.fullmatch(rf"\..*-[0-9a-f]{{8}}{re.escape(PART)}(\.[^.]+)?", path.name) is not None


def remove_parts(folder: Path) -> None:
    """Remove what processes that were killed have left behind.

    Args:
        folder: in which nobody else is writing.
    """
    for part in filter(is_part, folder.iterdir()):
        part.unlink(missing_ok=True)
