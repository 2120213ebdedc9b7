"""Home: where in a download the data set lies, under wrapping folders and beside second copies of itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from octlib.data.naming import KNOWN_CLASSES
from octlib.data.readers.class_folders import read_class_folders
from octlib.data.readers.published_splits import read_published_splits, split_folders
from octlib.data.readers.reading import Reading
from octlib.data.readers.tree import Folder


def find_homes(tree: Folder) -> list[Folder]:
    """Find the data set in a tree, and second copies of it.

    It lies where folders are named train, val or test, or as a known class (CNV, DME, DRUSEN, NORMAL, AMD ...). Where
    there are several such places, all must be copies of one: their files have the same relative paths, or some of
    them. Where there is none, the folders in the first folder that isn't a mere wrapper are the classes.

    Args:
        tree: everything below the folder that the user named.

    Returns:
        What holds the class folders or published splits, and nothing beside them; then its copies.

    Raises:
        ValueError: where there are several data sets, or it can't be told whether folders are classes.
    """
    homes = _homes(tree)
    if not homes:
        return [_unwrapped(tree)]
    # Of several copies the fullest one counts, and of equal ones that with the shortest path.
    homes.sort(key=lambda home: (-home.count, len(home.path.parts), home.path.as_posix()))
    _check_copies(tree, homes)
    return homes


def read_home(tree: Folder, root: Path) -> Reading:
    """Find the data set in a tree and read its published splits or class folders.

    Args:
        tree: everything below the folder that the user named.
        root: that folder, which the names of the scans are relative to.

    Returns:
        Its scans, and a remark on images outside of it.

    Raises:
        ValueError: where there are several data sets, or none.
    """
    homes = find_homes(tree)
    read = read_published_splits if split_folders(homes[0]) else read_class_folders
    reading = read(homes[0], root)
    outside = tree.count - sum(home.count for home in homes)
    if outside:
        remark = f"Images outside of the data set in {homes[0].path} were left out: {outside:,} of {tree.count:,}."
        return replace(reading, remarks=(*reading.remarks, remark))
    return reading


def _homes(tree: Folder) -> list[Folder]:
    parts = _parts(tree)
    own = [replace(tree, images=(), folders=parts)] if parts else []
    return own + [home for folder in tree.folders if folder not in parts for home in _homes(folder)]


def _parts(tree: Folder) -> tuple[Folder, ...]:
    splits = tuple(folder for _, folder in split_folders(tree))
    if splits:
        return splits
    if not any(_is_known_class(folder) for folder in tree.folders):
        return ()
    # Beside known classes every folder is a class too, unless it is a data set itself.
    return tuple(folder for folder in tree.folders if _is_known_class(folder) or not _homes(folder))


def _is_known_class(folder: Folder) -> bool:
    return folder.name.upper() in KNOWN_CLASSES


def _check_copies(tree: Folder, homes: list[Folder]) -> None:
    if len(homes) == 1:
        return
    files = _files(homes[0])
    others = [home for home in homes[1:] if not _files(home) <= files]
    if others:
        shown = ", ".join(repr(str(home.path)) for home in [homes[0], *others])
        raise ValueError(
            f"A source must hold one data set, and there are {len(others) + 1} in {tree.path}: {shown}. "
            "Load one of them, or each by itself and put them together with concat."
        )


def _files(home: Folder) -> set[str]:
    return {name for name, _ in home.walk(home.path)}


def _unwrapped(tree: Folder) -> Folder:
    if tree.images and tree.folders:
        raise ValueError(
            f"{tree.path} must hold either images or class folders, and it has {len(tree.images):,} images beside "
            f"the folders {', '.join(folder.name for folder in tree.folders[:6])}. Choose layout='flat' to take "
            "all images without labels, or layout='folders' to take the folders as classes."
        )
    if len(tree.folders) == 1 and tree.folders[0].folders:
        return _unwrapped(tree.folders[0])
    return tree
