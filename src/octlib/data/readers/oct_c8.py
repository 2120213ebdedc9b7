"""OCT-C8: eight classes in published splits, compiled from other sets."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from octlib.data.folder_layout import FolderLayout
from octlib.data.locating import split_folders
from octlib.data.reader import Reading, Wanted
from octlib.data.readers.published_splits import read_published_splits
from octlib.data.tree import Folder
from octlib.errors import LayoutWarning

CLASSES = frozenset({"AMD", "CNV", "CSR", "DME", "DR", "DRUSEN", "MH", "NORMAL"})
NAME = re.compile(r"([a-z]+)_(?:train|val|test)_\d+\.[a-z]+", re.IGNORECASE)


class OctC8(FolderLayout):
    """Reads ``{train,val,test}/CLASS/class_split_number.jpg``, and warns of what the set is made of."""

    layout = "octc8"
    form = f"train, val and test with folders among {', '.join(sorted(CLASSES))} and images named amd_train_1001.jpg"

    def place(self, folder: Folder) -> Folder | None:
        """Choose the splits, where the first image of every class is named as those of OCT-C8 are."""
        splits = tuple(split for _, split in split_folders(folder))
        known = splits and all(split.folders and all(map(_is_class, split.folders)) for split in splits)
        return replace(folder, images=(), folders=splits) if known else None

    def read_place(self, place: Folder, root: Path, wanted: Wanted) -> Reading:
        """Read the published splits; patients are unknown."""
        dataset, warnings = read_published_splits(place, root)
        remark = LayoutWarning(
            "OCT-C8 was compiled from other sets and augmented, and its patients are unknown: train, val and test may "
            "hold scans of one patient, or versions of one scan, and metrics on them come out too high then.",
            "For figures that count, take a set whose patients are known.",
        )
        return Reading(dataset, (*warnings, remark))


def _is_class(folder: Folder) -> bool:
    _, path = next(folder.walk(folder.path))
    found = NAME.fullmatch(Path(path).name)
    return folder.name.upper() in CLASSES and found is not None and found.group(1).upper() == folder.name.upper()
