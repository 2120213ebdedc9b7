"""Loading: from a folder, archive, file, list, table, array or name to a dataset."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib._suggest import unknown
from octlib.archives import SUFFIXES, archives_kept, exists, is_folder
from octlib.data.dataset import OctDataset
from octlib.data.eyes import spelt_alike
from octlib.data.naming import (
    IMAGE_SUFFIXES,
    class_name,
    closest,
    names_that_differ_by_case,
    published_split,
)
from octlib.data.origin_columns import FileOrigins
from octlib.data.patients import shared_patients
from octlib.data.published import PUBLISHED
from octlib.data.readable import leave_out_unreadable
from octlib.data.reader import Reader, Wanted
from octlib.data.readers import all_readers
from octlib.data.scan import Scan
from octlib.data.tree import Folder, entries, read_tree
from octlib.data.unfolding import unfold
from octlib.errors import LayoutError, LayoutWarning, LeakageWarning, LeftOutWarning

Source = str | os.PathLike[str] | NDArray[Any] | Iterable[Any]

ON_ERROR = ("raise", "skip")
KINDS = {Folder: "folders", Path: "files"}  # that a layout is for


def layouts() -> tuple[str, ...]:
    """Name the layouts that can be asked for: ``"auto"``, and those of all readers.

    Example:
        >>> layouts()
        ('auto', 'duke', 'flat', 'folders', 'imagefolder', 'kermany', 'neh', 'octc8', 'octdl', 'octid', 'octmnist',
         'sites', 'splits', 'table')
    """
    return ("auto", *sorted(reader.layout for reader in all_readers() if reader.layout))


def load_oct_dataset(
    source: Source,
    *,
    layout: str = "auto",
    split: str | None = None,
    class_names: Sequence[str] | None = None,
    patients: str | re.Pattern[str] | Callable[[Path], str | None] | None = None,
    columns: Mapping[str, str] | None = None,
    on_error: str = "raise",
) -> OctDataset:
    """Load OCT scans of any layout.

    Args:
        source: one of

            - a folder, or an archive (``.zip``, ``.tar``, ``.tar.gz``, ``.tgz``) that is read as the folder it would
              unpack to, without unpacking it: class folders (``CLASS/image``), published splits
              (``train/CLASS/image``), the downloads of Kermany, OCTDL, OCTID, Duke (Srinivasan), OCT-C8 and NEH as
              they are, images with a ``metadata.csv`` or ``metadata.jsonl`` as Hugging Face has them, or images without
              labels. Junk is skipped; second copies are left out with a warning;
            - an OCTMNIST ``.npz`` file;
            - ``(images, labels)``, ``(images, labels, patients)`` or images alone: uint8 (n, height, width[, 1 or 3])
              in 0-255, or a list of images; labels are class names, or numbers that count through ``class_names``
              (without: classes named ``"0"``, ``"1"`` ...), or one-hot rows, and ``None`` for a scan without one;
            - a table: a ``.csv``, ``.tsv`` or ``.parquet`` file, whose paths start from its folder, or a
              ``pandas.DataFrame``, whose paths start from the current one. It has a column path, and may have label,
              patient, name, split and any others, such as eye, volume, position and device, which
              ``OctDataset.column`` gives: what ``OctDataset.to_frame`` makes;
            - a path through an archive, to a folder or file in it: ``"OCT2017.zip/OCT2017/train"``;
            - an image file, or a list of them; TIFF stacks and DICOM files give a scan for each page or frame, wherever
              they are named;
            - ``"phantoms"``: synthetic scans, on any machine; others by what ``octlib.phantoms.phantom_specs`` gives;
            - the name of a published data set, which is downloaded once and kept in octlib's cache folder:
              ``"kermany"`` (8.4 GB), or ``"octmnist"`` with 28 x 28 pixels, ``"octmnist_64"``, ``"octmnist_128"``,
              ``"octmnist_224"`` (4.0 GB). A file or folder of that name in the working directory comes first.
              ``"octdl"`` says how to download it by hand.
        layout: ``"auto"`` finds out; ``"folders"`` takes every folder in the source for a class, ``"splits"`` takes the
            folders train, val and test, ``"sites"`` takes every folder for a site with a data set of its own,
            ``"kermany"`` asks for Kermany's classes, ``"flat"`` takes all images without labels, ``"octmnist"`` and
            ``"table"`` ask for such a file. ``"octdl"``, ``"octid"``, ``"duke"``, ``"octc8"``, ``"neh"`` and
            ``"imagefolder"`` ask for these sets, which ``"auto"`` finds, too.
        split: the published split to load: ``"train"``, ``"val"`` (or ``"valid"``, ``"validation"``) or ``"test"``;
            ``None`` loads all.
        class_names: the classes in the order that is wanted, at least all that there are; ``None`` sorts them by name.
        patients: how a scan's name tells the patient, where nobody else does: a regular expression whose first group is
            searched for in the path relative to the source (``"(P[0-9]+)_"``), or a function from a path to a
            patient; see ``OctDataset.with_patients``.
        columns: for a table, what its columns mean: ``{"patient": "subject"}``; without, they are found by octlib's
            names and by usual ones (file_name, diagnosis, subject_id, laterality ...), in upper or lower case.
        on_error: ``"raise"`` opens no image before its pixels are asked for; one that can't be read is an error then.
            ``"skip"`` reads every image now, which takes its time, and leaves out those that can't be read. A class
            may end up without scans; its name stays.

    Returns:
        The scans, sorted by path or in the order given. Patients are known where the names of files
        (``CLASS-patient-number``), the layout or ``source`` say them, else see ``OctDataset.with_patients``. Of NEH the
        label is the slice's, and the eye's is in the column eye_label; of Duke it is the volume's.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        DownloadError: if a published data set can't be downloaded, with what to do.
        TypeError: if the source is of another kind, images aren't uint8, or ``class_names`` is one text.
        LayoutError: if it holds no scans, several data sets, or not the layout or split asked for; if an archive is
            damaged, or has links, encrypted images or names that no folder could hold.
        TableError: if a table lacks a column, or has rows that can't be taken: all of them, with their numbers.
        UnmatchedClassesError: if ``class_names`` lacks a class of the source.
        UnreadableScanError: if with ``on_error="skip"`` no image can be read.
        ValueError: if an array, a label or a file is none.

    Warns:
        DuplicateWarning: if a table names files more than once.
        LayoutWarning: if a table and the images that it describes disagree, names of classes differ by upper and lower
            case alone, one folder of unknown name was taken for the class of all images, or nobody knows whether
            published splits share patients (OCT-C8).
        LeakageWarning: if published splits share patients, with their numbers.
        LeftOutWarning: if images are left out: strays, second copies, and those that can't be read, with the reasons.

    Example:
        >>> import numpy as np
        >>> load_oct_dataset((np.zeros((3, 496, 512), dtype=np.uint8), ["CNV", "DME", "CNV"]))
        OctDataset: 3 scans, patients unknown
        scans per class: CNV 2, DME 1
    """
    if on_error not in ON_ERROR:
        raise unknown("on_error", on_error, ON_ERROR)
    if isinstance(class_names, str):
        raise TypeError(f"Class names must be a list of them, got the text {class_names!r}. Write [{class_names!r}].")
    wanted = Wanted(_as_split(split), _as_class_names(class_names), dict(columns or {}))
    with archives_kept() as archives:
        prepared = _prepared(source)
        reader = _reader_of(prepared, layout)
        if columns and not reader.table:
            raise TypeError(f"columns= names the columns of a table, got {_described(prepared)}. Leave it out.")
        dataset, remarks = reader.read(prepared, wanted)
        dataset, left_out = unfold(replace(dataset, columns=spelt_alike(dataset.columns)))
        if left_out and not len(dataset):
            raise LayoutError(
                f"A source must hold B-scans, and {_described(prepared)} has none. {' '.join(map(str, left_out))}",
                "Load the files that hold the B-scans.",
            )
    if archives and isinstance(dataset.origins, FileOrigins):
        dataset = replace(dataset, origins=replace(dataset.origins, archives=archives))
    if patients is not None:
        dataset = dataset.with_patients(patients)
    if reader.patients_within is not None:
        dataset = _kept_apart(dataset, dataset.column(reader.patients_within))
    for remark in (*remarks, *left_out, *_leaks(dataset), *_alike(dataset, wanted)):
        warnings.warn(remark, stacklevel=2)
    dataset = _of_split(dataset, wanted.split)
    if on_error == "skip":
        dataset, unreadable = _readable(dataset)
        if unreadable:
            warnings.warn(LeftOutWarning(unreadable), stacklevel=2)
    return dataset if wanted.class_names is None else dataset.with_class_names(wanted.class_names)


def as_dataset(scans: OctDataset | Source) -> OctDataset:
    """Bring whatever a verb is given to a dataset.

    Args:
        scans: a dataset, which comes back as it is, or any source of ``load_oct_dataset``.

    Returns:
        A dataset.

    Raises:
        FileNotFoundError: as ``load_oct_dataset``.
        TypeError: as ``load_oct_dataset``.
        ValueError: as ``load_oct_dataset``.
    """
    return scans if isinstance(scans, OctDataset) else load_oct_dataset(scans)


def _prepared(source: object) -> object:
    # What readers know: a Folder, a Path of a file, or what Python has, but for iterators, which become lists.
    if isinstance(source, str) and not source:
        raise ValueError(
            "A source must be named, got an empty text, as of a variable that is not set. Write '.' for the working "
            "directory."
        )
    if isinstance(source, str) and source in PUBLISHED and not Path(source).exists():
        from octlib.data.downloading import download  # its packages take a tenth of a second to import

        return _file_or_folder(download(source))
    if isinstance(source, (str, os.PathLike)) and source != "phantoms":
        return _file_or_folder(Path(source).expanduser())
    if isinstance(source, (str, tuple, list, np.ndarray)) or hasattr(source, "columns"):
        return source
    if isinstance(source, Iterable) and not isinstance(source, (bytes, dict)):
        return list(source)
    return source


def _file_or_folder(path: Path) -> Path | Folder:
    if not exists(path):
        raise FileNotFoundError(f"A source must exist, and there is nothing at {path}.{_neighbour(path)}")
    if not is_folder(path):
        return path
    tree = read_tree(path)
    if not tree.count:
        raise LayoutError(
            f"A folder of scans must hold images ({', '.join(IMAGE_SUFFIXES)}), and there are none in {path}.",
            "Understood are class folders (CLASS/image), published splits (train/CLASS/image), the downloads of "
            "published sets, a flat folder of images, and an OCTMNIST .npz file.",
        )
    return tree


def _reader_of(source: object, layout: str) -> Reader:
    readers = all_readers()
    if layout != "auto":
        named = [reader for reader in readers if reader.layout == layout]
        if not named:
            raise unknown("layout", layout, layouts())
        if not isinstance(source, named[0].takes):
            raise LayoutError(
                f"The layout {layout!r} is for {KINDS.get(named[0].takes, 'other sources')}, got {_described(source)}.",
                "Leave layout= out.",
            )
        return named[0]
    matching = [reader for reader in readers if reader.matches(source)]
    certain = [reader for reader in matching if not reader.last_resort] or matching
    if len(certain) > 1:
        names = " and ".join(reader.layout or type(reader).__name__ for reader in certain)
        raise LayoutError(f"{_described(source)} can be read as {names}.".capitalize(), "Choose one with layout=.")
    if not certain:
        raise _not_understood(source)
    return certain[0]


def _described(source: object) -> str:
    if isinstance(source, (Folder, Path)):
        return f"the folder {source.path}" if isinstance(source, Folder) else f"the file {source}"
    return type(source).__name__


def _not_understood(source: object) -> Exception:
    if isinstance(source, Path):
        return LayoutError(
            f"A source must be a folder, an archive ({', '.join(SUFFIXES)}), a table (.csv, .tsv, .parquet), an .npz "
            f"file or an image ({', '.join(IMAGE_SUFFIXES)}), got {source}.",
            "Unpack archives of other kinds first.",
        )
    if isinstance(source, Scan) or (isinstance(source, list) and any(isinstance(item, Scan) for item in source)):
        return TypeError("Scans of a dataset must come as a dataset. Write scans[[3]] for one of them, not scans[3].")
    if isinstance(source, list) and not source:
        return ValueError("A list of scans must hold at least one path or image, got an empty one.")
    if isinstance(source, list):
        kinds = ", ".join(sorted({type(item).__name__ for item in source}))
        return TypeError(f"A list of scans must hold paths only or uint8 arrays only, got {kinds}.")
    return TypeError(
        "A source must be a path, a list of paths, a uint8 array, (images, labels[, patients]), a DataFrame, "
        f"'phantoms' or the name of a published data set, got {type(source).__name__}."
    )


def _readable(dataset: OctDataset) -> tuple[OctDataset, str]:
    scans = tuple(dataset)
    kept, left_out = leave_out_unreadable(scans)
    places = {id(scan) for scan in kept}  # by identity: two may be equal, of the same file under the same name
    return dataset.subset([id(scan) in places for scan in scans]), left_out


def _neighbour(path: Path) -> str:
    # Kaggle's folder is "OCT2017 ", with a blank that no listing shows.
    if not is_folder(path.parent):
        return f" The folder {path.parent} doesn't exist either."
    published = PUBLISHED if path.parent == Path() else ()
    close = closest(path.name, [*(name for name, _ in entries(path.parent)), *published])
    return f" Did you mean {str(path.parent / close)!r}?" if close else ""


def _as_class_names(names: Sequence[Any] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    other = next((name for name in names if not isinstance(name, str)), "")
    if not isinstance(other, str):
        raise TypeError(f"Class names must be texts, got {other!r}. Write {str(other)!r}.")
    return tuple(map(class_name, names))


def _as_split(split: str | None) -> str | None:
    if split is None:
        return None
    plain = published_split(split)
    if plain is None:
        raise unknown("split", split, ("train", "val", "test"))
    return plain


def _of_split(dataset: OctDataset, split: str | None) -> OctDataset:
    splits = dataset.column("split")
    published = list(dict.fromkeys(each for each in splits if each is not None))
    if split is None:
        _require_labels_in_all(dataset, published)
        return dataset
    if split not in published:
        there = f"only {', '.join(published)}" if published else "no published splits at all"
        raise LayoutError(
            f"The split {split!r} isn't there: the source has {there}.",
            "Leave split out, and divide the scans with dataset.split().",
        )
    chosen = dataset.subset(splits == split)
    labelled = chosen.labels is not None and (chosen.labels >= 0).any()
    return chosen if labelled else replace(chosen, labels=None, class_names=())


def _require_labels_in_all(dataset: OctDataset, published: Sequence[str]) -> None:
    if dataset.labels is None:
        return
    labelled = set(dataset.column("split")[dataset.labels >= 0])
    bare = [split for split in published if split not in labelled]
    if bare and labelled & set(published):
        raise LayoutError(
            f"The published splits must all have labels or none, and {', '.join(bare)} has none.",
            f"Load one of {', '.join(published)} with split=.",
        )


def _kept_apart(dataset: OctDataset, places: NDArray[Any]) -> OctDataset:
    named = zip(places, dataset.column("patient"), strict=True)
    return dataset.with_patients([None if patient is None else f"{place}/{patient}" for place, patient in named])


def _alike(dataset: OctDataset, wanted: Wanted) -> list[LayoutWarning]:
    alike = [] if wanted.class_names else names_that_differ_by_case(dataset.class_names)
    if not alike:
        return []
    shown = "; ".join(" and ".join(map(repr, names)) for names in alike)
    return [
        LayoutWarning(
            f"Names of classes differ by upper and lower case alone, and are classes of their own: {shown}.",
            "If they are one class, rename the folders, or mend the table.",
        )
    ]


def _leaks(dataset: OctDataset) -> list[LeakageWarning]:
    shared = shared_patients(dataset.patients, dataset.column("split"))
    if not shared:
        return []
    pairs = ", ".join(f"{one} and {other} share {count:,}" for (one, other), count in shared.items())
    return [
        LeakageWarning(
            f"The published splits share patients: {pairs}. Metrics on them come out too high.",
            "Load all and divide them with dataset.split(), which keeps each patient in one part.",
        )
    ]
