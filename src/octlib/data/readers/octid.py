"""OCTID: images named by their class, in class folders or in one folder."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from octlib.data.folder_layout import FolderLayout
from octlib.data.reader import Reading, Row, Wanted, dataset_of_files
from octlib.data.tree import Folder

CLASSES = frozenset({"AMRD", "CSR", "DR", "MH", "NORMAL"})
NAME = re.compile(r"(AMRD|CSR|DR|MH|NORMAL) ?\(?\d+\)?\.[a-z]+", re.IGNORECASE)


class Octid(FolderLayout):
    """Reads ``CLASS/CLASSnumber.jpeg``, or ``CLASSnumber.jpeg`` of all five classes in one folder.

    Nobody knows the patients: the number counts images.
    """

    layout = "octid"
    form = f"images named NORMAL1.jpeg, in folders of at least two of {', '.join(sorted(CLASSES))}, or of all in one"

    def place(self, folder: Folder) -> Folder | None:
        """Choose the class folders or, where there are no folders, the images."""
        if not folder.folders:
            named = [_class(name) for name in folder.images] if _class(folder.images[0]) else []
            return folder if set(named) == CLASSES else None
        classes = tuple(each for each in folder.folders if each.name.upper() in CLASSES)
        known = len(classes) > 1 and all(map(_is_class, classes))
        return replace(folder, images=(), folders=classes) if known else None

    def read_place(self, place: Folder, root: Path, wanted: Wanted) -> Reading:
        """Read the scans; the class is the folder or, where there are none, the first word of the name."""
        rows: list[Row] = [
            (name, path, _class(name), None, None) for name, path in replace(place, folders=()).walk(root)
        ]
        rows += [(name, path, each.name, None, None) for each in place.folders for name, path in each.walk(root)]
        return Reading(dataset_of_files(rows, sorted({label for _, _, label, *_ in rows if label})))


def _class(name: str) -> str | None:
    found = NAME.fullmatch(name.rpartition("/")[2])
    return found.group(1).upper() if found else None


def _is_class(folder: Folder) -> bool:
    return not folder.folders and all(_class(name) == folder.name.upper() for name in folder.images)
