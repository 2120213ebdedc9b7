"""Class folders: a folder for each class, with its images at any depth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from octlib.data.naming import patient_of
from octlib.data.origins import FileScan
from octlib.data.readers.reading import Reading
from octlib.data.readers.tree import Folder
from octlib.data.scan import Scan


def read_class_folders(folder: Folder, root: Path) -> Reading:
    """Read ``CLASS/...image`` below a folder.

    Args:
        folder: what holds the class folders.
        root: what the names of the scans are relative to.

    Returns:
        Its scans; the classes are the names of the folders, sorted.

    Raises:
        ValueError: where there are no class folders.
    """
    if not folder.folders:
        raise ValueError(
            f"Class folders must be in {folder.path}, one for each class, and there are images only. "
            "Choose layout='flat' for images without labels."
        )
    return Reading(
        scans=tuple(class_scans(folder, root)),
        class_names=tuple(sorted({each.name for each in folder.folders})),
        remarks=stray_images(folder),
    )


def class_scans(folder: Folder, root: Path, split: str | None = None) -> Iterator[Scan]:
    """Give the scans of all class folders in a folder.

    Args:
        folder: what holds the class folders.
        root: what the names of the scans are relative to.
        split: the published split that they belong to.

    Yields:
        One scan for each image.
    """
    for each in folder.folders:
        for name, path in each.walk(root):
            yield Scan(FileScan(path), name, each.name, patient_of(path.name, each.name), split)


def stray_images(folder: Folder) -> tuple[str, ...]:
    """Remark on images beside class folders, which have no class and are left out."""
    if not folder.images:
        return ()
    remark = (
        f"Images beside the class folders in {folder.path} were left out, since they have no class: "
        f"{len(folder.images):,}, such as {folder.images[0]}."
    )
    return (remark,)
