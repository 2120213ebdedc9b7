"""Published splits: class folders below train, val and test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from octlib.data.locating import (
    Located,
    copies_left_out,
    left_out,
    locate_classes,
    split_folders,
    unwrapped_splits,
    without_inner_copies,
)
from octlib.data.naming import patient_of
from octlib.data.reader import Reader, Reading, Row, Wanted, dataset_of_files
from octlib.data.readers.class_folders import class_rows, stray_images
from octlib.data.tree import Folder
from octlib.errors import LayoutError, LeftOutWarning


class PublishedSplits(Reader):
    """Takes the folders train, val and test in the source."""

    layout = "splits"
    takes = Folder

    def read(self, source: Folder, wanted: Wanted) -> Reading:
        """Read ``{train,val,test}/CLASS/...image``."""
        return read_published_splits(source, source.path)


def read_published_splits(folder: Folder, root: Path) -> Reading:
    """Read ``{train,val,test}/CLASS/...image`` below a folder; a split of images without class folders has no labels.

    The classes may be under wrapping folders in each split, and beside second copies of themselves.

    Args:
        folder: what holds the splits; folders of other names in it are passed over.
        root: what the names of the scans are relative to.

    Returns:
        The scans of all splits; the classes are those of all splits together.

    Raises:
        LayoutError: if there is no folder of a split's name.
    """
    splits = split_folders(folder)
    if not splits:
        raise LayoutError(
            f"Published splits must be folders named train, val or test in {folder.path}, and there are "
            f"{', '.join(each.name for each in folder.folders) or 'images only'}.",
            "Choose layout='auto'.",
        )
    parts, strays = _parts([each for _, each in splits])
    rows = (row for (split, _), part in zip(splits, parts, strict=True) for row in _rows(part, root, split))
    names = sorted({each.name for part in parts for each in part.folders})
    beside = folder.count - sum(each.count for _, each in splits)
    if beside:
        text = f"Images outside the splits in {folder.path} were left out: {beside:,} of {folder.count:,}."
        strays.append(LeftOutWarning(text))
    return Reading(dataset_of_files(rows, names), tuple(strays))


def _parts(splits: Sequence[Folder]) -> tuple[list[Folder], list[LeftOutWarning]]:
    """Find the class folders in each split, and say what is left out; a split of images alone stays as it is."""
    warnings: list[LeftOutWarning] = []
    known: list[Located | None] = []
    cleaned: list[Folder] = []
    for each in splits:
        kept, copies = without_inner_copies(each)
        warnings += (*copies_left_out(each, each, copies), *(stray_images(each) if each.folders else ()))
        cleaned.append(replace(kept, images=()) if kept.folders else kept)
        known.append(locate_classes(kept))
    if not any(known):
        unwrapped = unwrapped_splits([each for each in cleaned if each.folders])
        places = iter(unwrapped)
        known = [Located(next(places)) if each.folders else None for each in cleaned]
    parts = []
    for each, located in zip(cleaned, known, strict=True):
        parts.append(each if located is None else located.folder)
        warnings += [] if located is None else left_out(each, located)
    return parts, warnings


def _rows(folder: Folder, root: Path, split: str) -> Iterator[Row]:
    if folder.folders:
        yield from class_rows(folder, root, split)
        return
    for name, path in folder.walk(root):
        yield name, path, None, patient_of(name.rpartition("/")[2]), split
