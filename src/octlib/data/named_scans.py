"""Named scans: which scan each row of a table or list names, by its file and its number there."""
# Paths as texts, since a table may have a million.
# ruff: noqa: PTH100

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from octlib.data.columns import is_missing
from octlib.data.formats import format_of

WHOLE = -1  # the frame of a row that means all scans of its file

_FRAME = re.compile(r"(-1|[0-9]{1,9})(?:\.0)?")


class NamedScan(NamedTuple):
    """A scan, or all scans of a file.

    Attributes:
        file: its path, one for all spellings.
        frame: its number there, -1 for all that there are.
    """

    file: str
    frame: int


def as_frame(value: object) -> int | None:
    """Read a frame as tables write it.

    Returns:
        Its number from 0 on, -1 where none is meant, and ``None`` for what can't be a frame.

    Example:
        >>> [as_frame(value) for value in (3, 3.0, "03", None, -1, 1.5, "x")]
        [3, 3, 3, -1, -1, None, None]
    """
    text = "" if is_missing(value) else str(value).strip()
    found = _FRAME.fullmatch(text)
    return int(found.group(1)) if found else None if text else WHOLE


def named_scans(files: Sequence[str | None], frames: Sequence[object] | None = None) -> list[NamedScan | None]:
    """Tell of each row which scan it names.

    Args:
        files: the paths; ``None`` where there is none.
        frames: the scans of these files that are meant, as tables write them; ``None`` for all of each.

    Returns:
        The scans; ``None`` for a row without a path, or with a frame that its file can't have.
    """
    numbers = [WHOLE] * len(files) if frames is None else [as_frame(frame) for frame in frames]
    return [None if file is None else _named(file, number) for file, number in zip(files, numbers, strict=True)]


def repeats(scans: Sequence[NamedScan | None]) -> list[int]:
    """Give the places of scans that an earlier place names, too; a whole file holds each of its scans."""
    seen: set[NamedScan] = set()
    files: set[str] = set()
    again = []
    for place, scan in enumerate(scans):
        if scan is None:
            continue
        if scan in seen or scan._replace(frame=WHOLE) in seen or (scan.frame == WHOLE and scan.file in files):
            again.append(place)
        seen.add(scan)
        files.add(scan.file)
    return again


def torn(scans: Sequence[NamedScan | None], labels: Sequence[Any]) -> list[int]:
    """Give the places that say of a scan otherwise than the first that names it.

    Example:
        >>> torn([NamedScan("a.tif", 3), NamedScan("a.tif", 4), NamedScan("a.tif", -1)], ["CNV", "CNV", "DME"])
        [2]
    """
    first: dict[NamedScan, Any] = {}
    of_files: dict[str, list[Any]] = {}  # the different labels of each
    found = []
    for place, (scan, label) in enumerate(zip(scans, labels, strict=True)):
        if scan is None:
            continue
        known = of_files.setdefault(scan.file, [])
        of_file = first.get(scan._replace(frame=WHOLE), label)
        others = known if scan.frame == WHOLE else [first.setdefault(scan, label), of_file]
        first.setdefault(scan, label)
        if any(other != label for other in others):
            found.append(place)
        elif label not in known:
            known.append(label)
    return found


def _named(file: str, frame: int | None) -> NamedScan | None:
    if frame is None or (frame > 0 and format_of(file) is None):
        return None
    if frame == 0 and format_of(file) is None:  # the only one that there is
        frame = WHOLE
    return NamedScan(os.path.normcase(os.path.abspath(file)), frame)
