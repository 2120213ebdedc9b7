"""Duke: the volumes of Srinivasan et al. (2014), a folder for each of 45 subjects."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from octlib.data.folder_layout import FolderLayout
from octlib.data.reader import Reading, Row, Wanted, dataset_of_files
from octlib.data.tree import Folder

SUBJECT = re.compile(r"(AMD|DME|NORMAL) ?\d+", re.IGNORECASE)


class Duke(FolderLayout):
    """Reads ``{AMD,DME,NORMAL}number/TIFFs/8bitTIFFs/...tif``.

    A folder is a subject and a volume. Its letters are the class, which is known of the volume alone: slices at the
    edge of a diseased one may look healthy. The number of a file is its position.
    """

    layout = "duke"
    form = "folders AMD1, DME1, NORMAL1 ..., each with images in TIFFs/8bitTIFFs"

    def place(self, folder: Folder) -> Folder | None:
        """Choose the subjects, each with nothing but its 8-bit images."""
        subjects = ((each, _scans(each)) for each in folder.folders if SUBJECT.fullmatch(each.name))
        chosen = tuple(replace(each, images=(), folders=(scans,)) for each, scans in subjects if scans)
        return replace(folder, images=(), folders=chosen) if chosen else None

    def read_place(self, place: Folder, root: Path, wanted: Wanted) -> Reading:
        """Read the scans."""
        rows: list[Row] = []
        for each in place.folders:
            label = each.name.rstrip("0123456789 ").upper()
            rows += [(name, path, label, each.name, None) for name, path in each.walk(root)]
        columns: dict[str, list[object]] = {
            "volume": [patient for *_, patient, _ in rows],
            "position": [_number(name) for name, *_ in rows],
        }
        return Reading(dataset_of_files(rows, sorted({str(label) for _, _, label, *_ in rows}), columns))


def _scans(subject: Folder) -> Folder | None:
    inner = (deep for each in subject.folders if each.name.lower() == "tiffs" for deep in each.folders)
    return next((deep for deep in inner if deep.name.lower() == "8bittiffs" and deep.images), None)


def _number(name: str) -> int | None:
    digits = re.findall(r"[0-9]+", name.rpartition("/")[2].rpartition(".")[0])
    return int(digits[-1]) if digits else None
