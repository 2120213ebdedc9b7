"""Downloads: a data set as it comes out of its archive, under wrapping folders and beside copies of itself."""

from __future__ import annotations

from pathlib import Path

from octlib.data.locating import Located, locate_data_set, split_folders
from octlib.data.reader import Reader, Reading, Wanted
from octlib.data.readers.class_folders import read_class_folders
from octlib.data.readers.published_splits import read_published_splits
from octlib.data.tree import Folder
from octlib.errors import LeftOutWarning


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
        return Reading(dataset, (*warnings, *_left_out(source, located)))


def _left_out(tree: Folder, located: Located) -> list[LeftOutWarning]:
    copied = sum(copy.count for copy in located.copies)
    outside = tree.count - located.folder.count - copied
    texts = []
    if copied:
        _, example = next(located.copies[0].walk(tree.path))
        texts.append(
            f"Second copies of images in {located.folder.path} were left out: {copied:,} of {tree.count:,}, such as "
            f"{Path(example)}."
        )
    if outside:
        texts.append(
            f"Images outside of the data set in {located.folder.path} were left out: {outside:,} of {tree.count:,}."
        )
    return [LeftOutWarning(text) for text in texts]
