"""Flat: images without labels, in one folder or below it."""

from __future__ import annotations

from octlib.data.naming import patient_of
from octlib.data.reader import Reader, Reading, Wanted, dataset_of_files
from octlib.data.tree import Folder
from octlib.data.unread_tables import unread_tables


class Flat(Reader):
    """Takes every image below a folder, without labels; patients are read off Kermany's names."""

    layout = "flat"
    takes = Folder
    last_resort = True

    def matches(self, source: object) -> bool:
        """Match a folder of images alone."""
        return isinstance(source, Folder) and not source.folders

    def read(self, source: Folder, wanted: Wanted) -> Reading:
        """Read the images at any depth."""
        rows = (
            (name, path, None, patient_of(name.rpartition("/")[2]), None) for name, path in source.walk(source.path)
        )
        return Reading(dataset_of_files(rows), unread_tables(source))
