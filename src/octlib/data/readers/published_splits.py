"""Published splits: class folders below train, val and test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from octlib.data.locating import split_folders
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
    rows = (row for split, each in splits for row in _rows(each, root, split))
    names = sorted({each.name for _, split in splits for each in split.folders})
    strays = [warning for _, each in splits if each.folders for warning in stray_images(each)]
    beside = folder.count - sum(each.count for _, each in splits)
    if beside:
        text = f"Images outside the splits in {folder.path} were left out: {beside:,} of {folder.count:,}."
        strays.append(LeftOutWarning(text))
    return Reading(dataset_of_files(rows, names), tuple(strays))


def _rows(folder: Folder, root: Path, split: str) -> Iterator[Row]:
    if folder.folders:
        yield from class_rows(folder, root, split)
        return
    for name, path in folder.walk(root):
        yield name, path, None, patient_of(name.rpartition("/")[2]), split
