"""Tree: the folders and images below a folder or in an archive, without junk and without opening an image."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from octlib.archives import Archive, is_file, locate, why_outside
from octlib.data.naming import class_name, is_image, is_junk
from octlib.errors import LayoutError

MAX_DEPTH = 64  # folders in folders: no set of scans has that many, and walks that call themselves bear it


@dataclass(frozen=True, eq=False)
class Folder:
    """A folder that holds images, itself or further down.

    Args:
        path: where it is.
        images: names of the images in it, sorted.
        folders: those in it that hold images, sorted by name.
        tables: names of the files in it that may describe images, ``.csv`` and ``.jsonl``, sorted.
    """

    path: Path
    images: tuple[str, ...]
    folders: tuple[Folder, ...]
    tables: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its own name as a class would have it: blanks around it (Kaggle's ``"OCT2017 "``) don't count."""
        return class_name(self.path.name)

    @cached_property
    def count(self) -> int:
        """How many images are in it, at any depth."""
        return len(self.images) + sum(folder.count for folder in self.folders)

    def walk(self, root: Path) -> Iterator[tuple[str, str]]:
        """Give every image in it, at any depth, in the order of their names.

        Args:
            root: the folder itself or one above it.

        Yields:
            The image's path relative to ``root``, with forward slashes on every machine, and its path.
        """
        start = "" if self.path == root else f"{self.path.relative_to(root).as_posix()}/"
        place = str(self.path / "x")[:-1]  # with the separator of this machine
        for name in self.images:
            yield start + name, place + name
        for folder in self.folders:
            yield from folder.walk(root)


def read_tree(path: Path) -> Folder:
    """List a folder or archive: images by their suffix.

    Junk, masks of phantoms, and folders without images are passed over. Links are followed, except those that lead back
    to a folder above them, or to one that the way here led through.

    Args:
        path: an existing folder or archive, or a folder in one.

    Returns:
        All that is below it.

    Raises:
        LayoutError: if an archive can't be read, or has images or tables that can't, links, or names that would lie
            outside of it; if folders are nested too deep.
        OSError: if a folder can't be listed.
    """
    place = locate(path)
    if place is not None:
        _require_sound(place.archive)
    return _tree(path, (path.resolve(),))


def entries(path: Path, through: Collection[Path] = ()) -> Iterator[tuple[str, bool]]:
    """Give what is in a folder or archive: each name, and whether it is a folder. Links that lead back are left out.

    Args:
        path: the folder or archive.
        through: folders, resolved, that links must not lead back to, beside those above.

    Raises:
        LayoutError: if an archive can't be read.
        OSError: if a folder can't be listed.
    """
    place = locate(path)
    if place is not None:
        yield from place.archive.index.folders.get(place.member, {}).items()
        return
    with os.scandir(path) as found:
        for entry in found:
            if not entry.is_dir():
                yield entry.name, False
            elif not (entry.is_symlink() and _leads_back(Path(entry.path), through)):
                yield entry.name, True


def _tree(path: Path, through: tuple[Path, ...]) -> Folder:
    if len(through) > MAX_DEPTH:
        root = through[0]
        raise LayoutError(
            f"Folders of scans must be nested at most {MAX_DEPTH - 1} deep, and there are deeper ones in {root}.",
            "Load a folder further down.",
        )
    images: list[str] = []
    folders: list[Folder] = []
    tables: list[str] = []
    for name, is_dir in entries(path, through):
        if is_junk(name) or _is_masks_of_phantoms(path, name):
            continue
        if is_dir:
            inner = path / name
            folders.append(_tree(inner, (*through, inner.resolve() if inner.is_symlink() else through[-1] / name)))
        elif is_image(name):
            images.append(name)
        elif _is_table(name) and is_file(path / name):
            tables.append(name)
    full = sorted((folder for folder in folders if folder.count), key=lambda folder: folder.path.name)
    return Folder(path, tuple(sorted(images)), tuple(full), tuple(sorted(tables)))


def _is_table(name: str) -> bool:
    return name.lower().endswith((".csv", ".jsonl"))


def _is_masks_of_phantoms(folder: Path, name: str) -> bool:
    return name == "masks" and is_file(folder / "phantoms.csv")  # as write_phantoms names them


def _leads_back(link: Path, through: Collection[Path]) -> bool:
    target = link.resolve()
    return target in through or link.parent.resolve().is_relative_to(target)


def _require_sound(archive: Archive) -> None:
    index = archive.index
    wrong = [(name, why) for name, why in index.strangers if why_outside(name) or not _in_junk(name)]
    wrong += [(name, member.problem) for name, member in index.members.items() if member.problem and _is_used(name)]
    # Of what a Mac adds there is as much as of images, and images have their names checked when they are read.
    passed_over = (name for name in index.members if not name.startswith("__MACOSX/") and not _is_used(name))
    wrong += archive.misnamed(passed_over)
    if wrong:
        name, why = wrong[0]
        raise LayoutError(
            f"Every file of an archive must be readable in its place, and {len(wrong):,} in {archive.path} "
            f"{'is' if len(wrong) == 1 else 'are'} not, such as {name!r}: {why}.",
            "Unpack it and load the folder, or pack it again.",
        )


def _is_used(name: str) -> bool:
    return (is_image(name) or _is_table(name)) and not _in_junk(name)


def _in_junk(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    return is_junk(last) or _is_junk_folder(folder)


@lru_cache(maxsize=1024)
def _is_junk_folder(name: str) -> bool:
    return any(is_junk(part) for part in name.split("/"))
