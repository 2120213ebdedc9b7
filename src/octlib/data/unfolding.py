"""Unfolding: files that hold several scans become a row for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from octlib.data.columns import as_column, is_missing, objects
from octlib.data.dataset import OctDataset
from octlib.data.file_format import Contents
from octlib.data.formats import format_of
from octlib.data.identities import one_for_each
from octlib.data.named_scans import WHOLE, as_frame
from octlib.data.origin_columns import FileOrigins
from octlib.data.threads import in_threads
from octlib.errors import LayoutError, LeftOutWarning, UnreadableScanError

NOTHING = Contents()


class Slice(NamedTuple):
    """One scan of a file: its number there, -1 for a plain image, and what the file says of it."""

    number: int
    said: Contents
    volume: str | None = None
    position: int | None = None


def unfold(scans: OctDataset) -> tuple[OctDataset, tuple[LeftOutWarning, ...]]:
    """Open the files that may hold several scans, and give each of these a row.

    Args:
        scans: a row for each file; where a column frame says which scan of its file is meant, that one stays alone.

    Returns:
        The same scans, in the order of files and frames. A frame is named by its file and its number, from 0 on
        (``"eye.dcm#12"``), and has the label, patient and columns of its row; its volume is the file's name and its
        position the number, unless there were such columns. Of several volumes in a file each has a number behind the
        file's name (``"eyes.e2e/0"``) and positions of its own. Patients, eyes and further columns that rows don't tell
        are the file's, or those of the volume in it. A file that can't be read stays one scan, which is an error when
        it is read. Warnings count files that hold no B-scans, which are left out.

    Raises:
        MissingPackageError: if a package for a format isn't installed.
    """
    if not isinstance(scans.origins, FileOrigins):
        return scans, ()
    files = list(map(str, scans.origins.files))
    described = describe_files(files)
    if not described:
        return scans, ()
    contents = [described.get(path) or NOTHING for path in files]
    kept = [place for place, found in enumerate(contents) if not found.no_scan]
    return _unfolded(scans[kept], [contents[place] for place in kept]), (
        *_left_out(scans, contents),
        *_other_pages(scans, contents),
    )


def describe_files(files: Iterable[str]) -> dict[str, Contents | None]:
    """Open those of some files that may hold several scans, each once, however often it is named.

    Args:
        files: the paths, those of plain images too.

    Returns:
        What they hold, by their paths; ``None`` for one that can't be read. Plain images are left out.

    Raises:
        MissingPackageError: if a package for a format isn't installed.
    """
    paths = [path for path in dict.fromkeys(files) if format_of(path) is not None]
    return dict(zip(paths, in_threads(_contents, paths, title="Opening files", show=None), strict=True))


def _contents(path: str) -> Contents | None:
    kind = format_of(path)
    try:
        return None if kind is None else kind.describe(Path(path))
    except UnreadableScanError:
        return None


def _unfolded(scans: OctDataset, contents: Sequence[Contents]) -> OctDataset:
    asked = scans.columns.get("frame")
    of_files = [
        _slices(found, None if asked is None else asked[place], scans.names[place])
        for place, found in enumerate(contents)
    ]
    rows = np.repeat(np.arange(len(scans)), [len(each) for each in of_files])
    slices = [each for of_file in of_files for each in of_file]
    numbers = np.array([each.number for each in slices], dtype=np.int64)
    of_row = scans[rows]
    columns = dict(of_row.columns)
    for name in dict.fromkeys(name for each in contents for part in _volumes(each) for name in part.columns):
        columns[name] = _filled(of_row, name, objects([each.said.columns.get(name) for each in slices]))
    names = of_row.names
    if (numbers >= 0).any():
        columns["volume"] = _filled(of_row, "volume", objects([each.volume for each in slices]))
        columns["position"] = _filled(of_row, "position", objects([each.position for each in slices]))
        columns["frame"] = numbers
        names = objects([_named(name, number) for name, number in zip(names, numbers, strict=True)])
    return OctDataset(
        FileOrigins(np.asarray(of_row.origins.paths()), numbers if (numbers >= 0).any() else None),
        names,
        of_row.labels,
        scans.class_names,
        _filled(of_row, "patient", objects(one_for_each([each.said.patient for each in slices]))),
        columns,
    )


def _slices(found: Contents, asked: Any, name: str) -> list[Slice]:
    """List what a file holds: all of it, or the one slice that its row asks for."""
    if found.frames is None:
        return [Slice(-1, found)]
    volumes = _volumes(found)
    inside = [
        (part, name if len(volumes) == 1 else f"{name}/{number}", position)
        for number, part in enumerate(volumes)
        for position in range(part.frames or 1)
    ]
    every = [Slice(number, *each) for number, each in enumerate(inside)]
    frame = as_frame(asked)
    if frame == WHOLE:
        return every
    if frame is None or frame >= len(every):
        raise LayoutError(
            f"A frame must be one of the {len(every):,} of its file, from 0 on, got {asked} of {name}.",
            "Mend the table.",
        )
    return [every[frame]]


def _volumes(found: Contents) -> tuple[Contents, ...]:
    return found.volumes or (found,)


def _named(name: str, frame: int) -> str:
    end = f"#{frame}"
    return name if frame < 0 or name.endswith(end) else name + end  # a table that to_frame made has it already


def _filled(scans: OctDataset, name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Take a column, and from a file what it doesn't tell."""
    known = scans.column(name) if name in ("patient", "volume", "position", "eye") or name in scans.columns else None
    if known is None:
        return as_column(list(values))
    if not any(map(is_missing, known)):
        return known
    return as_column([new if is_missing(old) else old for old, new in zip(known, values, strict=True)])


def _other_pages(scans: OctDataset, contents: Sequence[Contents]) -> tuple[LeftOutWarning, ...]:
    # A table may name one file in several rows.
    pages = {path: found.other_pages for path, found in zip(scans.origins.paths(), contents, strict=True)}
    others = [f"{', '.join(map(str, each[:6]))} of {path}" for path, each in pages.items() if each]
    if not others:
        return ()
    text = f"Pages of another size than their stack's were left out: {sum(map(len, pages.values())):,}, such as"
    return (LeftOutWarning(f"{text} {others[0]}, counted from 0 on."),)


def _left_out(scans: OctDataset, contents: Sequence[Contents]) -> tuple[LeftOutWarning, ...]:
    kinds: dict[str, list[str]] = {}
    for name, found in zip(scans.names, contents, strict=True):
        if found.no_scan:
            kinds.setdefault(found.no_scan, []).append(name)
    return tuple(
        LeftOutWarning(f"Files that hold {kind} were left out: {len(names):,}, such as {names[0]}.")
        for kind, names in kinds.items()
    )
