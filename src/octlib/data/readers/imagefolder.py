"""Image folder: what Hugging Face calls so, images with a metadata file that describes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from octlib.data.classes import Labels, as_labels, as_written
from octlib.data.columns import is_missing, objects
from octlib.data.dataset import OctDataset
from octlib.data.folder_layout import FolderLayout
from octlib.data.locating import split_folders
from octlib.data.naming import KNOWN_CLASSES, patient_of, published_split
from octlib.data.origin_columns import FileOrigins
from octlib.data.patients import as_patients
from octlib.data.reader import Reading, Wanted
from octlib.data.sidecars import columns_of, describe, plain_name, read_header, read_sidecar
from octlib.data.tree import Folder
from octlib.errors import LayoutError, LayoutWarning

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("metadata.csv", "metadata.jsonl")
PATIENTS = ("patient", "patient_id")
OF_OURS = ("label", "split", *PATIENTS)  # whatever their case


class Part(NamedTuple):
    """The images below one metadata file: names, paths, names below its folder, a row for each, and what to warn of.

    Where there is no such file, the rows are empty.
    """

    names: list[str]
    paths: list[str]
    inner: list[str]
    rows: pd.DataFrame
    file: Path | None
    split: str | None
    warnings: tuple[LayoutWarning, ...]


class ImageFolder(FolderLayout):
    """Reads images with ``metadata.csv`` or ``metadata.jsonl`` beside them, or in each of the folders train, val, test.

    Each row names its image in ``file_name``, relative to the metadata file. Of the other columns label is the class
    (a name, or a number that counts through ``class_names``), patient or patient_id the patient, split the published
    split; all others stay as they are. Without a column label, the folders of the images are their classes if there are
    several, all at one depth, or if they are known as classes of OCT scans; else there are no labels.
    """

    layout = "imagefolder"
    form = f"images with {' or '.join(NAMES)} beside them, which names them in the column file_name"

    def place(self, folder: Folder) -> Folder | None:
        """Choose the folder of a metadata file, or the published splits if one of them has such a file."""
        if _metadata(folder):
            return folder
        splits = tuple(split for _, split in split_folders(folder))
        return replace(folder, images=(), folders=splits) if any(map(_metadata, splits)) else None

    def read_place(self, place: Folder, root: Path, wanted: Wanted) -> Reading:
        """Read the scans.

        Raises:
            LayoutError: if a metadata file can't be read, there are two of them, or rows that differ name one image.
            TypeError: if labels are neither whole numbers nor names.
            ValueError: if a number has no class name.
        """
        import pandas as pd

        bases = [(None, place)] if _metadata(place) else split_folders(place)
        parts = [_part(folder, root, split) for split, folder in bases]
        names = [name for part in parts for name in part.names]
        rows = pd.concat([part.rows.astype(object) for part in parts], ignore_index=True).infer_objects()
        if "label" in rows:
            labels, class_names = _labels(rows["label"], wanted.class_names, [part.file for part in parts if part.file])
        else:
            folders = _folders([name for part in parts for name in part.inner])
            labels, class_names = as_labels(objects(folders), len(names))
        splits = _splits(parts, rows)
        person = next((name for name in PATIENTS if name in rows), None)
        columns = columns_of(rows, but=("file_name", "label", "split", person or ""))
        dataset = OctDataset(
            FileOrigins(objects([path for part in parts for path in part.paths])),
            objects(names),
            labels,
            class_names,
            as_patients(_patients(names) if person is None else rows[person].tolist(), len(names)),
            ({"split": objects(splits)} if any(splits) else {}) | columns,
        )
        return Reading(dataset, tuple(warning for part in parts for warning in part.warnings))


def _metadata(folder: Folder) -> list[Path]:
    files = [folder.path / name for name in folder.tables if name in NAMES]
    return [file for file in files if "file_name" in read_header(file)]


def _part(folder: Folder, root: Path, split: str | None) -> Part:
    import pandas as pd

    files = _metadata(folder)
    if len(files) > 1:
        raise LayoutError(
            f"A folder of images must have one metadata file, and {folder.path} has {' and '.join(NAMES)}.",
            "Move the one away that is out of date.",
        )
    names, paths = map(list, zip(*folder.walk(root), strict=True))
    inner = [name for name, _ in folder.walk(folder.path)]
    if not files:
        text = f"{len(inner):,} images have no row, since there is neither {' nor '.join(NAMES)} in {folder.path}."
        return Part(names, paths, inner, pd.DataFrame(index=range(len(inner))), None, split, (LayoutWarning(text),))
    table = read_sidecar(files[0], ("file_name",))
    table.columns = [name.lower() if name.lower() in OF_OURS else name for name in table.columns]
    keys = [plain_name(name) for name in table["file_name"]]
    rows, warnings = describe(files[0], table, keys, [str(plain_name(name)) for name in inner])
    return Part(names, paths, inner, rows, files[0], split, warnings)


def _labels(column: pd.Series, class_names: Sequence[str] | None, files: Sequence[Path]) -> Labels:
    named = f"The column label of {' and '.join(map(str, files))}"
    several = next((label for label in column if isinstance(label, (list, dict))), None)
    if several is not None:
        raise TypeError(f"{named} must hold one label for each image, got {several}. Write its name or number.")
    try:
        return as_labels(objects(as_written(column, class_names)), len(column), class_names)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{named} can't be taken: {error}") from error


def _patients(names: Sequence[str]) -> list[str | None]:
    return [patient_of(PurePosixPath(name).name) for name in names]


def _splits(parts: Sequence[Part], rows: pd.DataFrame) -> list[str | None]:
    folders = [part.split or published_split(name.partition("/")[0]) for part in parts for name in part.inner]
    if "split" not in rows:
        return folders
    texts = [None if is_missing(value) else str(value) for value in rows["split"]]
    return [
        folder if text is None else published_split(text) or text for text, folder in zip(texts, folders, strict=True)
    ]


def _folders(inner: Sequence[str]) -> list[str | None]:
    # As Hugging Face tells classes from mere folders of images.
    folders = [PurePosixPath(name).parts[:-1] for name in inner]
    folders = [each[1:] if each and published_split(each[0]) else each for each in folders]
    names = [each[-1].strip() if each else "" for each in folders]
    several = len(set(names)) > 1 and len(set(map(len, folders))) == 1 and "" not in names
    known = all(name.upper() in KNOWN_CLASSES for name in names)
    return list(names) if several or known else [None] * len(names)
