"""Paths: image files that the user lists, without labels."""
# As texts: a million Path objects take ten times as long, and hundreds of megabytes.
# ruff: noqa: PTH100, PTH111, PTH118, PTH119, PTH120

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from octlib.archives import exists, is_folder
from octlib.data.named_scans import named_scans, repeats
from octlib.data.naming import IMAGE_SUFFIXES, is_image, patient_of
from octlib.data.reader import Reader, Reading, Wanted, dataset_of_files
from octlib.errors import DuplicateWarning


class Paths(Reader):
    """Takes image files in the order given; patients are read off Kermany's names."""

    def matches(self, source: object) -> bool:
        """Match an image file, and a list, tuple or array of paths."""
        if isinstance(source, Path):
            return is_image(source.name)
        if isinstance(source, np.ndarray):
            return source.dtype.kind in "OUT" and self.matches(source.tolist())
        if not isinstance(source, (list, tuple)) or not source:
            return False
        return all(isinstance(item, (str, os.PathLike)) for item in source)

    def read(self, source: Any, wanted: Wanted) -> Reading:
        """List the files.

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: if one is a folder or no image by its suffix.
        """
        files = as_files([source] if isinstance(source, Path) else source)
        missing = missing_files(files)
        if missing:
            raise FileNotFoundError(
                f"Every path must be a file that exists, and {len(missing)} of {len(files)} don't, such as "
                f"{missing[0]}."
            )
        require_images(files, [path for path in files if is_folder(path) or not is_image(path)])
        named = zip(relative_names(files), files, strict=True)
        return Reading(
            dataset_of_files((name, path, None, patient_of_file(path), None) for name, path in named),
            repeated_files("in the list", [files[place] for place in repeats(named_scans(files))]),
        )


def patient_of_file(path: str) -> str | None:
    """Read the patient off Kermany's name of a file."""
    return patient_of(os.path.basename(path))


def missing_files(files: Sequence[str]) -> list[str]:
    """Choose the files that don't exist."""
    return [path for path in files if not exists(path)]


def as_files(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Bring paths to text; a leading ``~`` is the home folder."""
    return [os.path.expanduser(os.fspath(path)) for path in paths]


def require_images(files: Sequence[str], wrong: Sequence[str]) -> None:
    """Refuse files some of which are no images.

    Args:
        files: all of them.
        wrong: those that aren't images.

    Raises:
        ValueError: if there are any.
    """
    if wrong:
        raise ValueError(
            f"Every path in a list must be an image ({', '.join(IMAGE_SUFFIXES)}), and {len(wrong)} of {len(files)} "
            f"aren't, such as {wrong[0]}. Load a folder by itself, not in a list."
        )


def repeated_files(where: str, again: Sequence[str]) -> tuple[DuplicateWarning, ...]:
    """Warn of files that are named more than once.

    Args:
        where: they are named.
        again: what names a file that was named before.

    Returns:
        One warning for all of them; none where there are none.
    """
    if not again:
        return ()
    return (
        DuplicateWarning(
            f"Files are named more than once {where}: {len(again):,} times again, such as {again[0]}. Each time is a "
            "scan of its own.",
            "Leave them out if that isn't meant.",
        ),
    )


def relative_names(files: Sequence[str], folder: Path | None = None) -> list[str]:
    """Name files by relative paths, with forward slashes on every machine.

    Args:
        files: their paths.
        folder: what names start from, so that none depends on the other files; ``None`` for the folder that all have in
            common.
    """
    whole = [os.path.abspath(path) for path in files]
    if folder is None:
        folders = {os.path.dirname(path) for path in whole}
        start = os.path.join(os.path.commonpath(folders), "") if folders else ""
    else:
        start = os.path.join(os.path.abspath(folder), "")
    names = [path[len(start) :] if path.startswith(start) else _relative(path, start) for path in whole]
    return [name.replace(os.sep, "/") for name in names]


def _relative(path: str, start: str) -> str:
    try:
        return os.path.relpath(path, start)
    except ValueError:  # on another drive
        return path
