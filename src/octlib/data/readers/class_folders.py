"""Class folders: a folder for each class, with its images at any depth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from octlib.data.locating import copies_left_out, without_inner_copies
from octlib.data.naming import patient_of
from octlib.data.reader import Reader, Reading, Row, Wanted, dataset_of_files
from octlib.data.tree import Folder
from octlib.errors import LayoutError, LeftOutWarning


class ClassFolders(Reader):
    """Takes every folder in the source for a class."""

    layout = "folders"
    takes = Folder

    def read(self, source: Folder, wanted: Wanted) -> Reading:
        """Read ``CLASS/...image``."""
        return read_class_folders(source, source.path)


def read_class_folders(folder: Folder, root: Path) -> Reading:
    """Read ``CLASS/...image`` below a folder.

    Args:
        folder: what holds the class folders.
        root: what the names of the scans are relative to.

    Returns:
        Its scans; the classes are the names of the folders, sorted.

    Raises:
        LayoutError: if there are no class folders.
    """
    if not folder.folders:
        raise LayoutError(
            f"Class folders must be in {folder.path}, one for each class, and there are images only.",
            "Choose layout='flat' for images without labels.",
        )
    classes, copies = without_inner_copies(folder)
    names = sorted({each.name for each in classes.folders})
    warnings = (*stray_images(folder), *copies_left_out(folder, folder, copies))
    return Reading(dataset_of_files(class_rows(classes, root), names), warnings)


def class_rows(folder: Folder, root: Path, split: str | None = None) -> Iterator[Row]:
    """Give the images of all class folders in a folder.

    Args:
        folder: what holds the class folders.
        root: what the names of the scans are relative to.
        split: the published split that they belong to.

    Yields:
        One row for each image.
    """
    for each in folder.folders:
        for name, path in each.walk(root):
            yield name, path, each.name, patient_of(name.rpartition("/")[2], each.name), split


def stray_images(folder: Folder) -> tuple[LeftOutWarning, ...]:
    """Warn of images beside class folders, which have no class and are left out."""
    if not folder.images:
        return ()
    text = (
        f"Images beside the class folders in {folder.path} were left out, since they have no class: "
        f"{len(folder.images):,}, such as {folder.images[0]}."
    )
    return (LeftOutWarning(text),)
