"""OCTDL: class folders, and a table beside them that says who was scanned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from octlib.data.folder_layout import FolderLayout
from octlib.data.naming import is_image
from octlib.data.patients import as_patients
from octlib.data.reader import Reading, Wanted, dataset_of_files
from octlib.data.sidecars import columns_of, describe, find_beside, plain_name, read_sidecar
from octlib.data.tree import Folder
from octlib.errors import LayoutError, LayoutWarning

CLASSES = frozenset({"AMD", "DME", "ERM", "NO", "RAO", "RVO", "VID"})
TABLE = "OCTDL_labels.csv"


class Octdl(FolderLayout):
    """Reads ``OCTDL/CLASS/...image`` with ``OCTDL_labels.csv``, which may lie in that folder or up to two above it.

    Patients come from the table, whose other columns stay: disease, subcategory, condition, eye, sex, year and the size
    of the image. The folder says the class, also where the table says another one.
    """

    layout = "octdl"
    form = f"class folders among {', '.join(sorted(CLASSES))} with {TABLE} beside them"

    def place(self, folder: Folder) -> Folder | None:
        """Choose the class folders, where the table is near."""
        classes = tuple(each for each in folder.folders if each.name.upper() in CLASSES)
        return replace(folder, images=(), folders=classes) if classes and _table(folder) else None

    def read_place(self, place: Folder, root: Path, wanted: Wanted) -> Reading:
        """Read the scans.

        Raises:
            LayoutError: if the table can't be read, lacks columns, or says two things of one image.
        """
        path = _table(place)
        if path is None:
            raise LayoutError(f"{TABLE} must lie beside {place.path}, and it is gone.", "Load the folder again.")
        found = [(name, file, each.name) for each in place.folders for name, file in each.walk(root)]
        table = read_sidecar(path, ("file_name", "disease", "patient_id"))
        described = describe(
            path, table, [_key(name) for name in table["file_name"]], [str(_key(name)) for name, *_ in found]
        )
        rows = described.rows
        patients = as_patients(rows["patient_id"], len(found))
        dataset = dataset_of_files(
            ((*each, patient, None) for each, patient in zip(found, patients, strict=True)),
            sorted({each.name for each in place.folders}),
            columns_of(rows, but=("file_name", "patient_id")),
        )
        folders = [(name, label) for name, _, label in found]
        return Reading(dataset, (*described.warnings, *_disagreement(path, folders, rows["disease"].tolist())))


def _table(folder: Folder) -> Path | None:
    return find_beside(folder.path, TABLE, above=2)


def _key(name: object) -> str | None:
    # The table names files without their folders, with or without the suffix.
    plain = plain_name(name)
    if plain is None:
        return None
    file = plain.rpartition("/")[2]
    return file.rpartition(".")[0] if is_image(file) else file


def _disagreement(path: Path, folders: list[tuple[str, str]], diseases: list[object]) -> list[LayoutWarning]:
    differ = [
        (name, disease)
        for (name, label), disease in zip(folders, diseases, strict=True)
        if isinstance(disease, str) and disease.strip().upper() != label.upper()
    ]
    if not differ:
        return []
    name, disease = differ[0]
    return [
        LayoutWarning(
            f"{len(differ):,} of {len(folders):,} images lie in the folder of another class than {path} says, such as "
            f"{name}, {disease} there. The folder counts; what the table says is in the column disease.",
            "Move them if the table is right.",
        )
    ]
