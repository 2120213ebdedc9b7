"""Tree: the folders and images below a folder, without junk and without opening a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from octlib.data.naming import is_image, is_junk


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
        """Its own name; blanks around it (Kaggle's ``"OCT2017 "``) don't count."""
        return self.path.name.strip()

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
    """List a folder: images by their suffix; junk, masks of phantoms and folders without images are passed over.

    Links are followed, except those that lead back to a folder above them.

    Args:
        path: an existing folder.

    Returns:
        All that is below it.

    Raises:
        OSError: if a folder can't be listed.
    """
    images: list[str] = []
    folders: list[Folder] = []
    tables: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            if is_junk(entry.name) or _is_masks_of_phantoms(path, entry.name):
                continue
            if entry.is_dir():
                if not (entry.is_symlink() and _leads_back(Path(entry.path))):
                    folders.append(read_tree(path / entry.name))
            elif is_image(entry.name):
                images.append(entry.name)
            elif entry.name.lower().endswith((".csv", ".jsonl")) and entry.is_file():
                tables.append(entry.name)
    full = sorted((folder for folder in folders if folder.count), key=lambda folder: folder.path.name)
    return Folder(path, tuple(sorted(images)), tuple(full), tuple(sorted(tables)))


def _is_masks_of_phantoms(folder: Path, name: str) -> bool:
    return name == "masks" and (folder / "phantoms.csv").is_file()  # as write_phantoms names them


def _leads_back(link: Path) -> bool:
    return link.parent.resolve().is_relative_to(link.resolve())
