"""Table problems: all that is wrong with a table of scans, found before the first complaint, with the rows."""
# Paths as texts, since a table may have a million.
# ruff: noqa: PTH119, PTH120

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from octlib.archives import is_file
from octlib.data.columns import is_missing
from octlib.data.named_scans import NamedScan, torn
from octlib.data.naming import class_name, is_image
from octlib.data.unfolding import describe_files
from octlib.errors import TableError

SHOWN = 5  # rows of each problem
NO_FRAME = "a frame that its file doesn't have"
OF_FRAMES = " Frames count the scans in a file from 0 on; if they count anything else, call them position."
SCATTERED = 20  # files of one folder that are asked for one by one; of more, the folder is listed


def require_sound(
    table: str,
    row: Callable[[int], object],
    files: Sequence[str | None],
    frames: Sequence[Any] | None,
    scans: Sequence[NamedScan | None],
    labels: Sequence[Any] | None,
    class_names: Sequence[str] | None,
) -> None:
    """Refuse a table that has a row which can't be taken.

    Args:
        table: what the error calls it.
        row: what it calls the row of a place.
        files: the paths, ``None`` where there is none.
        frames: which scans of these files are meant; ``None`` without a column of them.
        scans: what paths and frames name.
        labels: theirs; ``None`` without a column of them.
        class_names: those that labels must be of; ``None`` for any.

    Raises:
        TableError: if paths are missing, or are those of no file or no image; if a file doesn't have a frame; if labels
            are none of the class names, or a file has several. The text counts all of these and names rows of each.
        MissingPackageError: if a package for a file isn't installed of which a frame is named.
    """
    missing = missing_files({path for path in files if path is not None})
    problems = {
        "no path": [place for place, path in enumerate(files) if path is None],
        "no such file": [place for place, path in enumerate(files) if path in missing],
        "no image, by the end of its name": [
            place for place, path in enumerate(files) if path is not None and not is_image(path)
        ],
    }
    examples: dict[str, Callable[[int], object]] = dict.fromkeys(problems, files.__getitem__)
    if frames is not None:
        problems[NO_FRAME] = _without_frame(files, scans, missing)
        examples[NO_FRAME] = lambda place: f"{frames[place]} of {files[place]}"
    if labels is not None:
        known = [None if is_missing(label) else _plain(label) for label in labels]
        # Numbers are positions in the class names, which who reads the labels checks.
        problems["a label that is none of the class names"] = [
            place
            for place, label in enumerate(known)
            if class_names and isinstance(label, str) and label not in class_names
        ]
        examples["a label that is none of the class names"] = lambda place: repr(known[place])
        problems["a file with several labels"] = torn(scans, known)
        examples["a file with several labels"] = files.__getitem__
    found = [
        f"{problem} in {_rows(row, places)}{_such_as(examples[problem](places[0]))}"
        for problem, places in problems.items()
        if places
    ]
    if found:
        raise TableError(
            f"Every row of a table must name an image, with one label at most, and {table} has {'; '.join(found)}.",
            f"Mend the table, or leave these rows out.{OF_FRAMES if problems.get(NO_FRAME) else ''}",
        )


def missing_files(files: Iterable[str]) -> set[str]:
    """Choose the files that don't exist, without asking for each file of a folder that holds many of them."""
    by_folder: dict[str, list[str]] = {}
    for path in files:
        by_folder.setdefault(os.path.dirname(path), []).append(path)
    missing: set[str] = set()
    for folder, paths in by_folder.items():
        listed = _listing(folder) if len(paths) > SCATTERED else set()
        # Where upper case, or how an accent is written, doesn't count, the listing may have another spelling.
        missing.update(p for p in paths if os.path.basename(p) not in listed and not is_file(p))
    return missing


def _listing(folder: str) -> set[str]:
    try:
        with os.scandir(folder or ".") as entries:
            return {entry.name for entry in entries if entry.is_file()}
    except OSError:
        return set()


def _without_frame(
    files: Sequence[str | None], scans: Sequence[NamedScan | None], missing: Collection[str]
) -> list[int]:
    """Give the places whose frames are none, or beyond those of their files, which are opened for that."""
    asked = [
        (place, path, scan.frame)
        for place, (path, scan) in enumerate(zip(files, scans, strict=True))
        if path is not None and path not in missing and scan is not None and scan.frame > 0
    ]
    contents = describe_files(path for _, path, _ in asked)
    beyond = [
        place
        for place, path, frame in asked
        if (found := contents[path]) and not found.no_scan and frame >= (found.frames or 1)
    ]
    wrong = [place for place, path in enumerate(files) if path is not None and scans[place] is None]
    return sorted(beyond + wrong)


def _plain(label: Any) -> Any:
    return (class_name(label) or None) if isinstance(label, str) else label


def _rows(row: Callable[[int], object], places: Sequence[int]) -> str:
    shown = ", ".join(str(row(place)) for place in places[:SHOWN])
    more = len(places) - SHOWN
    return f"{'row' if len(places) == 1 else 'rows'} {shown}" + (f" and {more:,} more" if more > 0 else "")


def _such_as(example: object) -> str:
    return "" if example is None else f", such as {example}"
