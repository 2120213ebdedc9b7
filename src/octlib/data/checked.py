"""Checked: a note beside a downloaded file or folder says which hash it was found to have, and how to see a change."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pooch

from octlib._files import written_whole
from octlib.data.naming import is_image, is_junk

NOTE = ".checked.json"  # lies beside what was checked


def is_as_published(target: Path, known_hash: str) -> bool:
    """Tell whether what was downloaded is still what was published.

    A file is hashed again unless it has the size and the time of change that were noted. The images of an unpacked
    archive have no hash any more: their number and their sizes must be those that were noted.

    Args:
        target: the file, or the folder of images.
        known_hash: as published, ``algorithm:digest``.

    Returns:
        Whether it is.

    Raises:
        OSError: if it can't be read.
    """
    looks = _looks(target)
    if _noted(target) == {"hash": known_hash, **looks}:
        return True
    if target.is_dir() or not _has_hash(target, known_hash):
        return False
    with suppress(OSError):  # a folder that one may not write to: then it is hashed each time
        _note(target, known_hash, looks)
    return True


def note_checked(target: Path, known_hash: str) -> None:
    """Write down that a file, or the archive that a folder was unpacked from, had a hash.

    Args:
        target: the file, or the folder of images.
        known_hash: that it had.

    Raises:
        OSError: if it can't be written.
    """
    _note(target, known_hash, _looks(target))


def _note(target: Path, known_hash: str, looks: dict[str, int]) -> None:
    with written_whole(target.with_name(NOTE)) as part:
        part.write_text(json.dumps({"hash": known_hash, **looks}), encoding="utf-8")


def _has_hash(file: Path, known_hash: str) -> bool:
    algorithm, _, digest = known_hash.partition(":")
    return bool(pooch.file_hash(str(file), alg=algorithm) == digest)


def _looks(target: Path) -> dict[str, int]:
    if target.is_dir():
        images = (path for path in target.rglob("*") if is_image(path.name) and not is_junk(path.name))
        sizes = [path.stat().st_size for path in images if path.is_file()]
        return {"images": len(sizes), "size": sum(sizes)}
    about = target.stat()
    return {"size": about.st_size, "mtime_ns": about.st_mtime_ns}


def _noted(target: Path) -> Any:
    try:
        return json.loads(target.with_name(NOTE).read_bytes())
    except (OSError, ValueError, RecursionError):  # there is none, or it is damaged
        return None
