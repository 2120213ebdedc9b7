"""Downloads: a data set as it comes out of its archive, under wrapping folders and beside copies of itself."""

from __future__ import annotations

from octlib.data.locating import left_out, locate_data_set, split_folders
from octlib.data.reader import Reader, Reading, Wanted
from octlib.data.readers.class_folders import read_class_folders
from octlib.data.readers.published_splits import read_published_splits
from octlib.data.tree import Folder
from octlib.data.unread_tables import unread_tables


class Downloads(Reader):
    """Finds the class folders or published splits that lie somewhere below a folder."""

    takes = Folder
    last_resort = True

    def matches(self, source: object) -> bool:
        """Match a folder with folders."""
        return isinstance(source, Folder) and bool(source.folders)

    def read(self, source: Folder, wanted: Wanted) -> Reading:
        """Read the data set; its copies and images outside of it are left out with a warning."""
        located = locate_data_set(source)
        read = read_published_splits if split_folders(located.folder) else read_class_folders
        dataset, warnings = read(located.folder, source.path)
        return Reading(dataset, (*warnings, *left_out(source, located), *unread_tables(source, located.folder)))
