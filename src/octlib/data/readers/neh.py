"""NEH: the volumes of Noor Eye Hospital (2021), whose slices have labels of their own."""

from __future__ import annotations

import csv
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from octlib.data.csv_files import read_header
from octlib.data.folder_layout import FolderLayout
from octlib.data.reader import Reading, Wanted, dataset_of_files
from octlib.data.sidecars import find_beside, plain_name, read_sidecar
from octlib.data.tree import Folder
from octlib.errors import LeftOutWarning

CLASSES = frozenset({"CNV", "DRUSEN", "NORMAL"})
TABLE = "data_information.csv"
NAME = re.compile(r"(\d+)_(CNV|DRUSEN|NORMAL)\.[a-z]+", re.IGNORECASE)


class Slice(NamedTuple):
    """An image, and what its path tells: class folder, patient, eye, position and label."""

    name: str
    path: str
    inner: str
    folder: str
    patient: str
    eye: str | None
    position: int
    label: str


class Neh(FolderLayout):
    """Reads ``CLASS/patient/eye/003_Normal.jpg``, with or without the folder of the eye.

    The label of a scan is that of the slice, which its name ends with; that of the folder, which is the eye's, is kept
    in the column eye_label. Numbers of patients begin anew in every class, so that the patient is both: ``"CNV-12"``.
    Where no folder tells the eye, ``data_information.csv`` does.
    """

    layout = "neh"
    form = f"class folders among {', '.join(sorted(CLASSES))} with numbered patients and images named 003_Normal.jpg"

    def place(self, folder: Folder) -> Folder | None:
        """Choose the class folders."""
        classes = tuple(each for each in folder.folders if each.name.upper() in CLASSES)
        known = classes and all(map(_is_class, classes))
        return replace(folder, images=(), folders=classes) if known else None

    def read_place(self, place: Folder, root: Path, wanted: Wanted) -> Reading:
        """Read the scans; images whose names tell no label are left out with a warning.

        Raises:
            LayoutError: if the table is needed and can't be read.
        """
        named = zip(place.walk(root), place.walk(place.path), strict=True)
        slices = [each for (name, path), (inner, _) in named if (each := _slice(name, path, inner))]
        if any(each.eye is None for each in slices):
            eyes = _eyes(place.path)
            slices = [each._replace(eye=each.eye or eyes.get(_key(each.inner))) for each in slices]
        dataset = dataset_of_files(
            ((each.name, each.path, each.label, each.patient, None) for each in slices),
            sorted({each.label for each in slices}),
            {
                "eye": [each.eye for each in slices],
                "volume": [f"{each.patient}-{each.eye}" if each.eye else each.patient for each in slices],
                "position": [each.position for each in slices],
                "eye_label": [each.folder for each in slices],
            },
        )
        return Reading(dataset, _strays(place, {each.name for each in slices}, root))


def _is_class(folder: Folder) -> bool:
    _, path = next(folder.walk(folder.path))
    numbered = all(each.name.isdecimal() for each in folder.folders)
    return not folder.images and numbered and NAME.fullmatch(Path(path).name) is not None


def _slice(name: str, path: str, inner: str) -> Slice | None:
    folder, patient, *eye, file = (part.strip() for part in inner.split("/"))
    found = NAME.fullmatch(file)
    if found is None:
        return None
    label = folder.upper()
    position, suffix = found.groups()
    return Slice(name, path, inner, label, f"{label}-{patient}", eye[0] if eye else None, int(position), suffix.upper())


def _eyes(folder: Path) -> dict[str | None, str]:
    path = find_beside(folder, TABLE, above=1)
    names: set[str] = set()
    with suppress(csv.Error, ValueError):
        names = {name.strip() for name in read_header(path, errors="replace").names} if path else set()
    if path is None or not {"Directory", "Eye"} <= names:
        return {}
    table = read_sidecar(path, ("Directory", "Eye"))
    pairs = zip(table["Directory"], table["Eye"], strict=True)
    return {_key(file): eye for file, eye in pairs if isinstance(eye, str)}


def _key(name: object) -> str | None:
    # The table writes the words of some names otherwise than the disk: NOrmal for Normal.
    plain = plain_name(name)
    return None if plain is None else plain.lstrip("/").lower()


def _strays(place: Folder, read: set[str], root: Path) -> tuple[LeftOutWarning, ...]:
    left = [name for name, _ in place.walk(root) if name not in read]
    if not left:
        return ()
    text = f"Images whose names tell no label were left out: {len(left):,} of {place.count:,}, such as {left[0]}."
    return (LeftOutWarning(text),)
