"""Loading: from a folder, file, list or array to a dataset."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib._suggest import unknown
from octlib.data.dataset import OctDataset
from octlib.data.naming import IMAGE_SUFFIXES, closest, is_image, misspelt, published_split
from octlib.data.patients import shared_patients
from octlib.data.readable import leave_out_unreadable
from octlib.data.readers import (
    FOLDER_LAYOUTS,
    Reading,
    read_arrays,
    read_folder,
    read_octmnist,
    read_paths,
    read_phantoms,
)
from octlib.data.scan import Scan

Source = str | os.PathLike[str] | NDArray[Any] | Iterable[Any]

LAYOUTS = (*FOLDER_LAYOUTS, "octmnist")
ON_ERROR = ("raise", "skip")


def load_oct_dataset(
    source: Source,
    *,
    layout: str = "auto",
    split: str | None = None,
    class_names: Sequence[str] | None = None,
    on_error: str = "raise",
) -> OctDataset:
    """Load OCT scans of any layout.

    Args:
        source: one of

            - a folder: class folders (``CLASS/image``), published splits (``train/CLASS/image``), Kermany's downloads
              as they are, or images without labels. Junk and second copies are skipped;
            - an OCTMNIST ``.npz`` file;
            - ``(images, labels)``, ``(images, labels, patients)`` or images alone: uint8 (n, height, width[, 1 or 3])
              in 0-255, or a list of images; labels are class names, or numbers that count through ``class_names``
              (without: classes named ``"0"``, ``"1"`` ...);
            - an image file, or a list of them;
            - ``"phantoms"``: synthetic scans, on any machine.
        layout: ``"auto"`` finds out; ``"folders"`` takes every folder in the source for a class, ``"splits"`` takes the
            folders train, val and test, ``"kermany"`` asks for Kermany's classes, ``"flat"`` takes all images without
            labels, ``"octmnist"`` asks for such a file.
        split: the published split to load: ``"train"``, ``"val"`` (or ``"valid"``, ``"validation"``) or ``"test"``;
            ``None`` loads all.
        class_names: the classes in the order that is wanted, at least all that there are; ``None`` sorts them by name.
        on_error: ``"raise"`` opens no image before its pixels are asked for; one that can't be read is an error then.
            ``"skip"`` reads every image now, which takes its time, and leaves out those that can't be read. A class
            may end up without scans; its name stays.

    Returns:
        The scans, sorted by path or in the order given. Patients are known where the names of files
        (``CLASS-patient-number``) or ``source`` say them, else see ``OctDataset.with_patients``.

    Raises:
        FileNotFoundError: where there is no such file or folder.
        TypeError: where the source is of another kind, images aren't uint8, or ``class_names`` is one text.
        ValueError: where it holds no scans, several data sets, or not the layout, split or classes asked for; with
            ``on_error="skip"`` also where no image can be read.

    Warns:
        UserWarning: where published splits share patients, with their numbers, and where images are left out; one
            warning for all that can't be read, with their names and the reasons.

    Example:
        >>> import numpy as np
        >>> load_oct_dataset((np.zeros((3, 496, 512), dtype=np.uint8), ["CNV", "DME", "CNV"]))
        OctDataset: 3 scans, patients unknown
        scans per class: CNV 2, DME 1
    """
    if layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    if on_error not in ON_ERROR:
        raise unknown("on_error", on_error, ON_ERROR)
    wanted = _as_split(split)
    if isinstance(class_names, str):
        raise TypeError(f"Class names must be a list of them, got the text {class_names!r}. Write [{class_names!r}].")
    class_names = None if class_names is None else tuple(class_names)
    reading = _read(source, layout, wanted, class_names)
    for remark in (*reading.remarks, *_leaks(reading.scans)):
        warnings.warn(remark, UserWarning, stacklevel=2)
    scans = _of_split(reading.scans, wanted)
    if on_error == "skip":
        scans, left_out = leave_out_unreadable(scans)
        if left_out:
            warnings.warn(left_out, UserWarning, stacklevel=2)
    labelled = any(scan.label is not None for scan in scans)
    return OctDataset(scans, _ordered(reading.class_names if labelled else (), class_names))


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


def _read(source: object, layout: str, split: str | None, class_names: Sequence[str] | None) -> Reading:
    if isinstance(source, (str, os.PathLike)) and source != "phantoms":
        return _read_path(Path(source).expanduser(), layout, split)
    if layout != "auto":
        raise ValueError(f"A layout is for folders and .npz files, got {layout!r} for another source. Leave it out.")
    if isinstance(source, (str, os.PathLike)):
        return read_phantoms()
    if isinstance(source, np.ndarray) and source.dtype.kind not in "OUT":
        return read_arrays(source)
    if not isinstance(source, Iterable) or isinstance(source, (bytes, dict, OctDataset)):
        raise TypeError(
            "A source must be a path, a list of paths, a uint8 array, (images, labels[, patients]) or 'phantoms', got "
            f"{type(source).__name__}."
        )
    return _read_items(source, class_names)


def _read_items(source: Iterable[Any], class_names: Sequence[str] | None) -> Reading:
    items = list(source)
    if not items:
        raise ValueError("A list of scans must hold at least one path or image, got an empty one.")
    if all(isinstance(item, (str, os.PathLike)) for item in items):
        return read_paths(items)
    if isinstance(source, tuple):
        if len(items) > 3:
            raise ValueError(f"Arrays must come as (images, labels) or (images, labels, patients), got {len(items)}.")
        return read_arrays(*items, class_names=class_names)
    if all(isinstance(item, np.ndarray) for item in items):
        return read_arrays(items)
    kinds = ", ".join(sorted({type(item).__name__ for item in items}))
    raise TypeError(f"A list of scans must hold paths only or uint8 arrays only, got {kinds}.")


def _read_path(path: Path, layout: str, split: str | None) -> Reading:
    if path.is_dir():
        if layout == "octmnist":
            raise ValueError(f"An OCTMNIST source must be the .npz file itself, got the folder {path}.")
        return read_folder(path, layout)
    if not path.exists():
        raise FileNotFoundError(f"A source must exist, and there is nothing at {path}.{_neighbour(path)}")
    if path.suffix.lower() == ".npz" and layout in ("auto", "octmnist"):
        return read_octmnist(path, split)
    if layout != "auto":
        raise ValueError(f"The layout {layout!r} doesn't fit the file {path}. Leave it out, or name a folder.")
    if not is_image(path.name):
        raise ValueError(
            f"A source must be a folder, an .npz file or an image ({', '.join(IMAGE_SUFFIXES)}), got {path}. Unpack "
            "archives first."
        )
    return read_paths([path])


def _neighbour(path: Path) -> str:
    # Kaggle's folder is "OCT2017 ", with a blank that no listing shows.
    if not path.parent.is_dir():
        return f" The folder {path.parent} doesn't exist either."
    close = closest(path.name, [each.name for each in path.parent.iterdir()])
    return f" Did you mean {str(path.parent / close)!r}?" if close else ""


def _as_split(split: str | None) -> str | None:
    if split is None:
        return None
    plain = published_split(split)
    if plain is None:
        raise unknown("split", split, ("train", "val", "test"))
    return plain


def _of_split(scans: tuple[Scan, ...], split: str | None) -> tuple[Scan, ...]:
    published = list(dict.fromkeys(scan.split for scan in scans if scan.split is not None))
    if split is None:
        bare = {scan.split for scan in scans if scan.label is None}
        if bare and len(bare) < len(published):
            raise ValueError(
                f"The published splits must all have labels or none, and {', '.join(map(str, bare))} has none. "
                f"Load one of {', '.join(published)} with split=."
            )
        return scans
    if split not in published:
        there = f"only {', '.join(published)}" if published else "no published splits at all"
        raise ValueError(
            f"The split {split!r} isn't there: the source has {there}. Leave split out, and divide the scans with "
            "dataset.split()."
        )
    return tuple(scan for scan in scans if scan.split == split)


def _leaks(scans: Sequence[Scan]) -> list[str]:
    shared = shared_patients(scans)
    if not shared:
        return []
    pairs = ", ".join(f"{one} and {other} share {count:,}" for (one, other), count in shared.items())
    remark = (
        f"The published splits share patients: {pairs}. Figures on them come out too high; "
        "load all and divide them with dataset.split(), which keeps each patient in one part."
    )
    return [remark]


def _ordered(found: tuple[str, ...], wanted: Sequence[str] | None) -> tuple[str, ...]:
    if wanted is None:
        return found
    missing = [name for name in found if name not in wanted]
    if missing or not found:
        raise ValueError(
            f"Class names must cover the classes of the source: {', '.join(wanted)} were given, and it has "
            f"{', '.join(found) or 'no labels'}. Give the same names in any order.{misspelt(wanted, found)}"
        )
    return tuple(wanted)
