"""Output: folders that are made but never overwritten, and the files in them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octlib.cli.speaking import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from octlib import OctDataset


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Make an output folder, before the work, and take it away again if the work fails or is broken off.

    Args:
        folder: where; an empty folder may be there already.

    Yields:
        The folder.

    Raises:
        FileExistsError: if something is there: results are never overwritten.
        OSError: if it can't be made.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise taken(folder)
    made = _missing(folder)
    with _refusal_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # What can't be written to is found before the work.
            pass
    try:
        yield folder
    except BaseException:  # Ctrl-C too: half of the results would be taken for all of them.
        _empty(folder)
        _remove(made)
        raise


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """Find out, before the work, that a file can be written, and leave none if the work fails or is broken off.

    Args:
        file: which one.

    Yields:
        The file, which doesn't exist yet.

    Raises:
        FileExistsError: if something is there.
        OSError: if it can't be written.
    """
    if file.exists():
        raise taken(file)
    made = _missing(file.parent)
    with _refusal_named(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        file.unlink()
    try:
        yield file
    except BaseException:
        file.unlink(missing_ok=True)
        _remove(made)
        raise


def _empty(folder: Path) -> None:
    with suppress(OSError):  # What went wrong before is the thing to tell.
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


def _missing(folder: Path) -> list[Path]:
    """List the folders that have to be made for one to be, the innermost first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def _remove(folders: list[Path]) -> None:
    with suppress(OSError):  # one that somebody else has put something into
        for folder in folders:
            folder.rmdir()


@contextmanager
def _refusal_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise type(error)(f"{path} can't be written ({error.strerror}). Choose another --output.") from error


def taken(path: Path) -> FileExistsError:
    """Build the error for an output that exists."""
    return FileExistsError(f"{path} exists already. Choose another --output, or remove it.")


def free_name(name: str) -> Path:
    """Return a path in the current folder that is not taken: the name, or with a number: ``name-2.csv``."""
    first = path = Path(name)
    number = 1
    while path.exists():
        number += 1
        path = first.with_stem(f"{first.stem}-{number}")
    return path


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a dictionary as JSON."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_figure(path: Path, axes: Axes) -> None:
    """Write the figure that axes belong to as a PNG, and forget it."""
    from matplotlib import pyplot as plt

    axes.figure.savefig(path, dpi=150)
    plt.close(axes.figure)


def write_split(path: Path, parts: Mapping[str, OctDataset]) -> None:
    """Write which scan went where as CSV: name, path, label, patient, part."""
    import pandas as pd

    tables = [part.to_frame().drop(columns="split").assign(part=name) for name, part in parts.items()]
    pd.concat(tables).to_csv(path, index=False)


def say_where(path: Path) -> None:
    """Name an output file, or list the files of an output folder."""
    say(f"\nWritten to {path}{'/' if path.is_dir() else ''}")
    for each in sorted(path.iterdir()) if path.is_dir() else ():
        say(f"  {each.name}{'/' if each.is_dir() else ''}")
