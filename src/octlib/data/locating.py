"""Locating: where in a folder the data set lies, under wrapping folders and beside second copies of itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from octlib.archives import open_binary, size_of
from octlib.data.naming import is_known_class, published_split
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


def locate_classes(split: Folder) -> Located | None:
    """Find the known classes in a published split, under wrapping folders and beside second copies of themselves.

    Args:
        split: a folder named train, val or test.

    Returns:
        What holds the class folders, and its copies; ``None`` where no folder is named as a known class.

    Raises:
        LayoutError: if there are several such places that aren't copies.
    """
    return locate_places(split, _known_classes)


def unwrapped_splits(splits: Sequence[Folder]) -> list[Folder]:
    """Give of published splits what holds their classes, where no folder is named as a known class.

    Args:
        splits: the folders named train, val and test.

    Returns:
        For each what is in its only folder, and so on, as long as that is surely no class: it bears the name of a
        published split, or holds folders whose names are again in other splits, as those of patients are not. Else the
        splits themselves.
    """
    inner = [split.folders[0] for split in splits if len(split.folders) == 1 and split.folders[0].folders]
    if not inner or len(inner) < len(splits) or any(each.images for each in inner):
        return list(splits)
    names = [{folder.name for folder in each.folders} for each in inner]
    shared = len(inner) > 1 and bool(set.intersection(*names))
    if not shared and not all(published_split(each.name) for each in inner):
        return list(splits)
    return unwrapped_splits(inner)


def without_inner_copies(folder: Folder) -> tuple[Folder, tuple[Folder, ...]]:
    """Leave out every folder in a folder that holds nothing but what the folder around it holds, too.

    Args:
        folder: such as that of a class.

    Returns:
        The folder without them, at any depth, and these copies.

    Raises:
        OSError: if a file can't be read.
    """
    if not folder.folders:
        return folder, ()
    there = {name for name, _ in folder.walk(folder.path)}
    copies: list[Folder] = []
    kept: list[Folder] = []
    for each in folder.folders:
        name, _ = next(each.walk(each.path))
        if name in there and is_copy(each, _but(folder, each)):
            copies.append(each)
            continue
        inner, deeper = without_inner_copies(each)
        kept.append(inner)
        copies.extend(deeper)
    return (replace(folder, folders=tuple(kept)) if copies else folder), tuple(copies)


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
    warnings = copies_left_out(tree, located.folder, located.copies)
    outside = tree.count - located.folder.count - sum(copy.count for copy in located.copies)
    if outside:
        text = f"Images outside of the data set in {located.folder.path} were left out: {outside:,} of {tree.count:,}."
        warnings.append(LeftOutWarning(text))
    return warnings


def copies_left_out(tree: Folder, original: Folder, copies: Sequence[Folder]) -> list[LeftOutWarning]:
    """Warn of second copies, if there are any.

    Args:
        tree: a folder that holds all of them.
        original: what they are copies of.
        copies: folders in the tree.
    """
    if not copies:
        return []
    _, example = next(copies[0].walk(tree.path))
    return [
        LeftOutWarning(
            f"Second copies of images in {original.path} were left out: {sum(copy.count for copy in copies):,} of "
            f"{tree.count:,}, such as {Path(example)}."
        )
    ]


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
    if len(chosen) == 1 and len(split_folders(chosen[0])) > 1:
        return None  # a wrapper that is named as a split: the splits are in it
    return replace(tree, images=(), folders=chosen) if chosen else _known_classes(tree, _classes_or_splits)


def _known_classes(tree: Folder, place: Place | None = None) -> Folder | None:
    if not any(is_known_class(folder.name) for folder in tree.folders):
        return None
    # Beside known classes every folder is a class too, unless it is a data set itself.
    inner = place or _known_classes
    chosen = tuple(folder for folder in tree.folders if is_known_class(folder.name) or not _find(folder, inner))
    return replace(tree, images=(), folders=chosen)


def _but(folder: Folder, inner: Folder) -> Folder:
    return replace(folder, folders=tuple(each for each in folder.folders if each is not inner))


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
