"""Flat: images without labels, in one folder or below it."""

from __future__ import annotations

from pathlib import Path

from octlib.data.naming import patient_of
from octlib.data.origins import FileScan
from octlib.data.readers.reading import Reading
from octlib.data.readers.tree import Folder
from octlib.data.scan import Scan


def read_flat(folder: Folder, root: Path) -> Reading:
    """Read every image below a folder, without labels; patients are read off Kermany's names.

    Args:
        folder: what holds the images.
        root: what the names of the scans are relative to.

    Returns:
        Its scans, without classes.
    """
    return Reading(tuple(Scan(FileScan(path), name, patient=patient_of(path.name)) for name, path in folder.walk(root)))
