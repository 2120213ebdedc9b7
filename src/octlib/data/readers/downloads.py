"""Downloads: a data set as it comes out of its archive, under wrapping folders and beside copies of itself."""

from __future__ import annotations

from octlib.data.locating import left_out, locate_data_set, split_folders
from octlib.data.naming import is_known_class
from octlib.data.reader import Reader, Reading, Wanted
from octlib.data.readers.class_folders import read_class_folders
from octlib.data.readers.published_splits import read_published_splits
from octlib.data.tree import Folder
from octlib.data.unread_tables import unread_tables
from octlib.errors import LayoutWarning


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
        splits = split_folders(located.folder)
        read = read_published_splits if splits else read_class_folders
        dataset, warnings = read(located.folder, source.path)
        remarks = (*warnings, *left_out(source, located), *unread_tables(source, located.folder))
        if len(dataset.class_names) != 1 or wanted.class_names or is_known_class(dataset.class_names[0]):
            return Reading(dataset, remarks)
        advice = "choose the layout 'flat'" if splits else f"load {located.folder.folders[0].path} itself"
        guess = LayoutWarning(
            f"All images lie in folders named {dataset.class_names[0]!r}, which was taken for their class.",
            f"If it is none, {advice} for images without labels; if it is one, name it among the class names.",
        )
        return Reading(dataset, (*remarks, guess))
