"""Published splits: class folders below train, val and test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from octlib.data.naming import patient_of, published_split
from octlib.data.origins import FileScan
from octlib.data.readers.class_folders import class_scans, stray_images
from octlib.data.readers.reading import Reading
from octlib.data.readers.tree import Folder
from octlib.data.scan import Scan


def read_published_splits(folder: Folder, root: Path) -> Reading:
    """Read ``{train,val,test}/CLASS/...image`` below a folder; a split of images without class folders has no labels.

    Args:
        folder: what holds the splits; folders of other names in it are passed over.
        root: what the names of the scans are relative to.

    Returns:
        The scans of all splits; the classes are those of all splits together.

    Raises:
        ValueError: where there is no folder of a split's name.
    """
    splits = split_folders(folder)
    if not splits:
        raise ValueError(
            f"Published splits must be folders named train, val or test in {folder.path}, and there are "
            f"{', '.join(each.name for each in folder.folders) or 'images only'}. Choose layout='auto'."
        )
    inside = sum(each.count for _, each in splits)
    beside = f"Images outside the splits in {folder.path} were left out: {folder.count - inside:,} of {folder.count:,}."
    strays = (remark for _, each in splits if each.folders for remark in stray_images(each))
    return Reading(
        scans=tuple(scan for split, each in splits for scan in _scans(each, root, split)),
        class_names=tuple(sorted({each.name for _, split in splits for each in split.folders})),
        remarks=(*strays, beside) if inside < folder.count else tuple(strays),
    )


def split_folders(folder: Folder) -> list[tuple[str, Folder]]:
    """Give the published splits in a folder, each with its plain name, in the order train, val, test."""
    named = [(published_split(each.name), each) for each in folder.folders]
    return [(split, each) for split in ("train", "val", "test") for name, each in named if name == split]


def _scans(folder: Folder, root: Path, split: str) -> Iterator[Scan]:
    if folder.folders:
        yield from class_scans(folder, root, split)
        return
    for name, path in folder.walk(root):
        yield Scan(FileScan(path), name, None, patient_of(path.name), split)
