"""Locating: where in a folder the data set lies, under wrapping folders and beside second copies of itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from octlib.archives import open_binary, size_of
from octlib.data.naming import KNOWN_CLASSES, published_split
from octlib.data.tree import Folder
from octlib.errors import LayoutError, LeftOutWarning

# Files of a second copy whose bytes are compared. Kaggle's has 84,000 of 5 GB, which would take minutes.
COMPARED = 1000

# Gives of a folder what belongs to a data set that begins in it; None where none does.
Place = Callable[[Folder], Folder | None]


@dataclass(frozen=True)
class Located:
    """Where the data set lies.

    Args:
        folder: what holds the class folders or published splits, and nothing beside them.
        copies: the same of each second copy.
    """

    folder: Folder
    copies: tuple[Folder, ...] = ()


def locate_data_set(tree: Folder) -> Located:
    """Find the data set in a tree, and second copies of it.

    It lies where folders are named train, val or test, or as a known class (CNV, DME, DRUSEN, NORMAL, AMD ...). Where
    there are several such places, all must be copies of the fullest: each of their files has the same relative path
    there, and the same content. Where there is none, the folders in the first folder that isn't a mere wrapper are the
    classes.

    Args:
        tree: everything below the folder that the user named.

    Returns:
        The data set and its copies.

    Raises:
        LayoutError: if there are several data sets, or it can't be told whether folders are classes.
    """
    return locate_places(tree, _classes_or_splits) or Located(_unwrapped(tree))


def locate_places(tree: Folder, place: Place) -> Located | None:
    """Find the data set of one layout in a tree, and second copies of it.

    Args:
        tree: everything below the folder that the user named.
        place: knows the layout.

    Returns:
        The data set and its copies; ``None`` where there is none.

    Raises:
        LayoutError: if there are several that aren't copies.
    """
    found = _find(tree, place)
    if not found:
        return None
    # Of several copies the fullest one counts, and of equal ones that with the shortest path.
    found.sort(key=lambda folder: (-folder.count, len(folder.path.parts), folder.path.as_posix()))
    first, *others = found
    strangers = [folder for folder in others if not is_copy(folder, first)]
    if strangers:
        shown = ", ".join(repr(str(folder.path)) for folder in [first, *strangers])
        raise LayoutError(
            f"A source must hold one data set, and there are {len(strangers) + 1} in {tree.path}: {shown}.",
            "Load one of them, or choose layout='sites' to take each folder for a site with a data set of its own.",
        )
    return Located(first, tuple(others))


def holds_only(tree: Folder, place: Place) -> bool:
    """Say whether a tree holds a data set of one layout, and beside it none of others.

    Args:
        tree: everything below the folder that the user named.
        place: knows the layout.
    """
    places = {folder.path for folder in _find(tree, place)}
    return bool(places) and all(
        places & {folder.path, *folder.path.parents} for folder in _find(tree, _classes_or_splits)
    )


def left_out(tree: Folder, located: Located) -> list[LeftOutWarning]:
    """Warn of second copies, and of images outside of the data set.

    Args:
        tree: everything below the folder that the user named.
        located: where the data set lies in it.
    """
    copied = sum(copy.count for copy in located.copies)
    outside = tree.count - located.folder.count - copied
    texts = []
    if copied:
        _, example = next(located.copies[0].walk(tree.path))
        texts.append(
            f"Second copies of images in {located.folder.path} were left out: {copied:,} of {tree.count:,}, such as "
            f"{Path(example)}."
        )
    if outside:
        texts.append(
            f"Images outside of the data set in {located.folder.path} were left out: {outside:,} of {tree.count:,}."
        )
    return [LeftOutWarning(text) for text in texts]


def is_copy(folder: Folder, original: Folder) -> bool:
    """Say whether a folder holds nothing but what another one holds, too.

    Args:
        folder: the one that is left out if so.
        original: the other.

    Returns:
        Whether every image is there under the same relative path, with the same content. The size of each is compared,
        and every byte of up to 1,000 files; of more files, every byte of 1,000 that are spread evenly. So no folder
        of other scans passes; only among more than 1,000 files, one that was changed without changing its size can.

    Raises:
        OSError: if a file can't be read.
    """
    files, there = dict(folder.walk(folder.path)), dict(original.walk(original.path))
    if not files.keys() <= there.keys():
        return False
    if any(size_of(path) != size_of(there[name]) for name, path in files.items()):
        return False
    compared = list(files.items())[:: math.ceil(len(files) / COMPARED)]
    return all(_bytes_of(path) == _bytes_of(there[name]) for name, path in compared)


def split_folders(folder: Folder) -> list[tuple[str, Folder]]:
    """Give the published splits in a folder, each with its plain name, in the order train, val, test."""
    named = [(published_split(each.name), each) for each in folder.folders]
    return [(split, each) for split in ("train", "val", "test") for name, each in named if name == split]


def _bytes_of(path: str) -> bytes:
    with open_binary(path) as file:
        return file.read()


def _find(tree: Folder, place: Place) -> list[Folder]:
    here = place(tree)
    taken = here.folders if here else ()
    below = [found for folder in tree.folders if folder not in taken for found in _find(folder, place)]
    return [here, *below] if here else below


def _classes_or_splits(tree: Folder) -> Folder | None:
    chosen = tuple(folder for _, folder in split_folders(tree))
    if not chosen and any(_is_known_class(folder) for folder in tree.folders):
        # Beside known classes every folder is a class too, unless it is a data set itself.
        chosen = tuple(
            folder for folder in tree.folders if _is_known_class(folder) or not _find(folder, _classes_or_splits)
        )
    return replace(tree, images=(), folders=chosen) if chosen else None


def _is_known_class(folder: Folder) -> bool:
    return folder.name.upper() in KNOWN_CLASSES


def _unwrapped(tree: Folder) -> Folder:
    if tree.images and tree.folders:
        raise LayoutError(
            f"{tree.path} must hold either images or class folders, and it has {len(tree.images):,} images beside "
            f"the folders {', '.join(folder.name for folder in tree.folders[:6])}.",
            "Choose layout='flat' to take all images without labels, or layout='folders' to take the folders as "
            "classes.",
        )
    if len(tree.folders) == 1 and tree.folders[0].folders:
        return _unwrapped(tree.folders[0])
    return tree
