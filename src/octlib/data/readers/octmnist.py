"""OCTMNIST: Kermany's scans as MedMNIST publishes them, small and in one .npz file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib.data.naming import KERMANY_CLASSES
from octlib.data.origins import ArrayScan
from octlib.data.readers.reading import Reading
from octlib.data.scan import Scan
from octlib.preprocessing import check_images

SPLITS = ("train", "val", "test")


def read_octmnist(path: Path, split: str | None = None) -> Reading:
    """Read an OCTMNIST file: ``{train,val,test}_images`` (n, height, width) and ``_labels`` (n, 1).

    Args:
        path: the ``.npz`` file.
        split: the one split to read, ``"train"``, ``"val"`` or ``"test"``, which saves the memory for the others.

    Returns:
        Scans in memory, without patients, which MedMNIST doesn't publish; the classes are Kermany's four.

    Raises:
        ValueError: where it isn't such a file, or lacks the split.
    """
    try:
        arrays = _load(path, split)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path} can't be read as an .npz file ({error}). Download it again.") from error
    scans = tuple(scan for name in arrays for scan in _scans(path, name, *arrays[name]))
    return Reading(scans, KERMANY_CLASSES)


def _load(path: Path, wanted: str | None) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    # Opened here, because numpy leaves a file open that turns out to be damaged.
    with path.open("rb") as stream:
        if not zipfile.is_zipfile(stream):
            raise zipfile.BadZipFile("not an intact archive")
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as file:
            splits = _splits(path, file.files, wanted)
            try:
                return {name: (file[f"{name}_images"], file[f"{name}_labels"]) for name in splits}
            except ValueError as error:
                raise ValueError(f"{path} holds objects or headers that can't be believed ({error}).") from error


def _splits(path: Path, keys: Sequence[str], wanted: str | None) -> list[str]:
    splits = [name for name in SPLITS if {f"{name}_images", f"{name}_labels"} <= set(keys)]
    if not splits:
        raise ValueError(
            f"An OCTMNIST file must hold train_images and train_labels, or the same of val and test, and {path} holds "
            f"{', '.join(keys) or 'nothing'}. Pass other arrays as (images, labels)."
        )
    if wanted not in (None, *splits):
        raise ValueError(f"The split {wanted!r} isn't there: {path} has only {', '.join(splits)}.")
    return splits if wanted is None else [wanted]


def _scans(path: Path, split: str, images: NDArray[Any], labels: NDArray[Any]) -> list[Scan]:
    check_images(images)
    numbers = labels.ravel()
    if len(numbers) != len(images):
        raise ValueError(f"{path} must hold one label an image, and {split} has {len(numbers)} for {len(images)}.")
    if numbers.dtype.kind not in "iu" or (len(numbers) and not 0 <= numbers.min() <= numbers.max() < 4):
        raise ValueError(
            f"OCTMNIST's labels must be whole numbers from 0 to 3 ({', '.join(KERMANY_CLASSES)}), and {split} in "
            f"{path} has others. Pass the arrays as (images, labels) with class_names=."
        )
    return [
        Scan(ArrayScan(images, index), f"{split}/{index}", KERMANY_CLASSES[number], split=split)
        for index, number in enumerate(numbers.tolist())
    ]
