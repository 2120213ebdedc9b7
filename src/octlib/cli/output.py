"""Output: folders and files that are written aside and moved into place when whole; nothing is ever overwritten."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octlib.cli.console import say

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from octlib import OctDataset

UNFINISHED = ".unfinished"  # what the names of folders end in that are being written
STEM = 100  # bytes that the name of a picture takes from that of its scan
FORBIDDEN = '<>:"/\\|?*'  # in names of files, by some system
FRAME = re.compile("#[0-9]{1,9}$")


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Write an output folder aside, and move it into place when all is done.

    From the beginning an empty folder stands in its place, so that names which are counted up count it. Work that fails
    or is broken off leaves nothing of its own, and whatever others have put there stays.

    Args:
        folder: where; an empty folder may be there already.

    Yields:
        The folder to write to.

    Raises:
        FileExistsError: if something is there. If it came there during the work, the results bear another name, and the
            text says which.
        OSError: if it can't be written.
    """
    if not _is_free(folder):
        raise taken(folder)
    made = _missing(folder)
    with _refusal_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # Beside a folder of the user's one may not be allowed to write: it may be a mounted volume.
        aside = _make_aside(folder.parent if made else folder)
    with _removed_on_failure(aside, made):
        yield aside
        if made and _replaced(folder, aside):
            return
        if not _is_free(folder):
            raise _taken_meanwhile(folder, aside)
        _move_into(folder, aside)


@contextmanager
def further_files(folder: Path) -> Iterator[Path]:
    """Write further results of an output folder aside, and move them into it when all are done.

    Args:
        folder: with results in it.

    Yields:
        The folder to write to; it goes if the work fails or is broken off.

    Raises:
        FileExistsError: if something in the folder bears one of their names; the text says where they are.
    """
    aside = _make_aside(folder)
    with _removed_on_failure(aside, []):
        yield aside
        _move_into(folder, aside)


@contextmanager
def same_folder(folder: Path, decisive: Sequence[str]) -> Iterator[Path]:
    """Write once more what is in an output folder of a run that was broken off; what is there stays.

    Args:
        folder: with results in it.
        decisive: files by whose content one tells that they are of the same run.

    Yields:
        The folder to write to; it goes in the end.

    Raises:
        FileExistsError: if the results are those of another run; the text says where the new ones are.
    """
    aside = _make_aside(folder)
    with _removed_on_failure(aside, []):
        yield aside
        if any((aside / name).read_bytes() != (folder / name).read_bytes() for name in decisive):
            raise _kept_elsewhere(folder, aside, f"{folder} holds the results of another run")
        shutil.rmtree(aside)


def holds_only(folder: Path, names: set[str]) -> bool:
    """Say whether there is a folder with these files and folders in it and nothing else but what is unfinished."""
    return folder.is_dir() and {path.name for path in folder.iterdir() if path.suffix != UNFINISHED} == names


@contextmanager
def new_file(file: Path, option: str = "--output") -> Iterator[Path]:
    """Write an output file aside, and move it into place when it is whole.

    Args:
        file: which one.
        option: by which another one is chosen.

    Yields:
        The file to write to, which doesn't exist yet. It goes if the work fails or is broken off.

    Raises:
        FileExistsError: if something is there. If it came there during the work, the result bears another name, and the
            text says which.
        OSError: if it can't be written.
    """
    if file.exists():
        raise taken(file, option)
    made = _missing(file.parent)
    with _refusal_named(file, option):
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = _make_aside(file.parent)
    with _removed_on_failure(aside, made):
        yield aside / file.name
        if file.exists():
            raise _taken_meanwhile(file, aside / file.name)
        _move_into(file.parent, aside)


def _make_aside(folder: Path) -> Path:
    aside = folder / f".octlib-{secrets.token_hex(4)}{UNFINISHED}"
    aside.mkdir()
    return aside


@contextmanager
def _removed_on_failure(aside: Path, made: list[Path]) -> Iterator[None]:
    """Remove what was written, and the folders made for it that nobody else has put anything into."""
    try:
        yield
    except BaseException:  # Ctrl-C too: half of the results would be taken for all of them.
        shutil.rmtree(aside, ignore_errors=True)
        with suppress(OSError):  # What went wrong before is the thing to tell.
            for folder in made:
                folder.rmdir()
        raise


def _is_free(folder: Path) -> bool:
    """Say whether there is no folder, or one that holds nothing but what is unfinished, perhaps for ever."""
    if not folder.exists():
        return True
    return folder.is_dir() and all(path.suffix == UNFINISHED for path in folder.iterdir())


def _replaced(folder: Path, aside: Path) -> bool:
    """Try to put a folder in the place of an empty one in a step that can't hit anybody's files."""
    try:
        folder.rmdir()
        aside.rename(folder)
    except OSError:
        return False
    return True


def _move_into(folder: Path, aside: Path) -> None:
    names = [path.name for path in aside.iterdir()]
    if any((folder / name).exists() for name in names):
        raise _taken_meanwhile(folder, aside)
    try:
        for name in names:
            (aside / name).rename(folder / name)
    except BaseException:
        for name in names:
            if not (aside / name).exists():
                (folder / name).rename(aside / name)
        raise
    aside.rmdir()


def _taken_meanwhile(path: Path, aside: Path) -> FileExistsError:
    return _kept_elsewhere(path, aside, f"Another program has written to {path} meanwhile")


def _kept_elsewhere(path: Path, aside: Path, why: str) -> FileExistsError:
    """Keep what was written under another name, and build the error that says so."""
    place = free_name(path.resolve())
    try:
        aside.rename(place)
    except OSError:  # Nothing can be written beside it: keep it inside.
        place = aside.rename(free_name(path / path.resolve().name))
    return FileExistsError(f"{why}; that stays as it is, and the results are in {place}.")


def _missing(folder: Path) -> list[Path]:
    """List the folders that have to be made for one to be, the innermost first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


@contextmanager
def _refusal_named(path: Path, option: str = "--output") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise type(error)(f"{path} can't be written ({error.strerror}). Choose another {option}.") from error


def taken(path: Path, option: str = "--output") -> FileExistsError:
    """Build the error for an output that exists."""
    return FileExistsError(f"{path} exists already. Choose another {option}, or remove it.")


def choose_output(given: Path | None, default: str, scans: Path | None = None) -> Path:
    """Return where the results of a command go.

    Args:
        given: what ``--output`` says, if anything.
        default: the name in the current folder that is taken otherwise, counted up where it isn't free.
        scans: the folder that the command reads, where the results hold pictures.

    Returns:
        The path.

    Raises:
        click.UsageError: if it lies inside the folder of scans.
    """
    output = given or free_name(default)
    if scans and output.resolve().is_relative_to(scans.resolve()):
        raise click.UsageError(f"--output must lie outside of {scans}, or its pictures are read as scans next time.")
    return output


def free_name(first: str | Path) -> Path:
    """Return a path that is not taken: the one that is given, or with a number: ``name-2.csv``."""
    first = path = Path(first)
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
    write_table(path, pd.concat(tables))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV; bytes of file names that are no text stay those bytes."""
    table.to_csv(path, index=False, encoding="utf-8", errors="surrogateescape")


def picture_name(number: int, name: str) -> str:
    """Name a picture of a scan so that every file system takes it.

    Args:
        number: of the scan, which keeps those apart that bear the same name in different folders.
        name: of the scan; of the slice of a volume it ends in its number, as in ``eye.tif#12``.

    Returns:
        The name, of some 120 bytes at most.

    Example:
        >>> picture_name(7, "CNV/eye.tif#12")
        '00007-eye-12.png'
    """
    path, _, frame = name.rpartition("#") if FRAME.search(name) else (name, "", "")
    stem = "".join(each if each.isprintable() and each not in FORBIDDEN else "_" for each in Path(path).stem)
    short = stem.encode()[:STEM].decode(errors="ignore")
    return f"{number:05d}-{short}{'-' if frame else ''}{frame}.png"


def say_where(path: Path) -> None:
    """Name an output file, or list the files of an output folder."""
    say(f"\nWritten to {path}{'/' if path.is_dir() else ''}")
    for each in sorted(path.iterdir()) if path.is_dir() else ():
        say(f"  {each.name}{'/' if each.is_dir() else ''}")
