"""Files: written whole or not at all, whatever happens in the middle."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part"  # in the name of every file that is still being written


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Write a file beside its place and move it there in one step.

    A process that is killed leaves the former file, and perhaps one named ``.*.part*`` beside it.

    Args:
        target: the file that is to be; its folder must exist.

    Yields:
        Where to write. It has the target's suffix, and is gone if the block fails.

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
        part.touch()
        permissions = part.stat().st_mode  # as the user's umask has it; safetensors makes files of its own for one user
        yield part
        part.chmod(permissions)
        with part.open("rb+") as file:
            os.fsync(file.fileno())  # else a power cut can leave the new name with nothing behind it
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def is_part(path: Path) -> bool:
    """Tell whether a file is one that ``written_whole`` left behind."""
    return path.name.startswith(".") and PART in path.suffixes
