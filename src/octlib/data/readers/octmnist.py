"""OCTMNIST: Kermany's scans as MedMNIST publishes them, small and in one .npz file."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib.archives import open_binary
from octlib.data.columns import objects
from octlib.data.dataset import OctDataset
from octlib.data.named_errors import errors_named
from octlib.data.naming import KERMANY_CLASSES
from octlib.data.origin_columns import ArrayOrigins
from octlib.data.reader import Reader, Reading, Wanted
from octlib.errors import LayoutError
from octlib.preprocessing import check_images

SPLITS = ("train", "val", "test")


class Octmnist(Reader):
    """Reads an OCTMNIST file: ``{train,val,test}_images`` (n, height, width) and ``_labels`` (n, 1)."""

    layout = "octmnist"
    takes = Path

    def matches(self, source: object) -> bool:
        """Match an ``.npz`` file."""
        return isinstance(source, Path) and source.suffix.lower() == ".npz"

    def read(self, source: Path, wanted: Wanted) -> Reading:
        """Read the split that is wanted, which saves the memory for the others, or all.

        Returns:
            Scans in memory, without patients, which MedMNIST doesn't publish; the classes are Kermany's four.

        Raises:
            ValueError: if it isn't such a file.
            LayoutError: if it holds other arrays, or lacks the split.
        """
        with errors_named(source):
            arrays = _load(source, wanted.split)
            first, *others = (_dataset(source, split, *arrays[split]) for split in arrays)
        for other in others:
            first = first.concat(other)
        return Reading(first)


def _load(path: Path, wanted: str | None) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    # Opened here, because numpy leaves a file open that turns out to be damaged.
    with open_binary(path) as stream:
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
        raise LayoutError(
            f"An OCTMNIST file must hold train_images and train_labels, or the same of val and test, and {path} holds "
            f"{', '.join(keys) or 'nothing'}.",
            "Pass other arrays as (images, labels).",
        )
    if wanted not in (None, *splits):
        raise LayoutError(f"The split {wanted!r} isn't there: {path} has only {', '.join(splits)}.")
    return splits if wanted is None else [wanted]


def _dataset(path: Path, split: str, images: NDArray[Any], labels: NDArray[Any]) -> OctDataset:
    check_images(images)
    numbers = labels.ravel()
    if len(numbers) != len(images):
        raise ValueError(f"{path} must hold one label an image, and {split} has {len(numbers)} for {len(images)}.")
    if numbers.dtype.kind not in "iu" or (len(numbers) and not 0 <= numbers.min() <= numbers.max() < 4):
        raise ValueError(
            f"OCTMNIST's labels must be whole numbers from 0 to 3 ({', '.join(KERMANY_CLASSES)}), and {split} in "
            f"{path} has others. Pass the arrays as (images, labels) with class_names=."
        )
    n = len(images)
    names = objects([f"{split}/{index}" for index in range(n)])
    columns = {"split": np.full(n, split, dtype=object)}
    return OctDataset(ArrayOrigins(images, np.arange(n)), names, numbers, KERMANY_CLASSES, columns=columns)
