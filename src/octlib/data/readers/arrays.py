"""Arrays: scans that are in memory, with labels and patients if there are any."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from octlib.data.classes import as_labels
from octlib.data.columns import objects
from octlib.data.dataset import OctDataset
from octlib.data.origin_columns import ArrayOrigins
from octlib.data.patients import Patients, as_patients
from octlib.data.reader import Reader, Reading, Wanted
from octlib.phantoms import PhantomSpec
from octlib.preprocessing import check_images


class Arrays(Reader):
    """Takes ``images``, ``(images, labels)`` or ``(images, labels, patients)``."""

    def matches(self, source: object) -> bool:
        """Match an array of numbers, a list of arrays, and a tuple that begins with one of the two."""
        if isinstance(source, tuple) and source:
            return self.matches(source[0]) or not isinstance(source[0], (str, os.PathLike, PhantomSpec))
        if isinstance(source, np.ndarray):
            return source.dtype.kind not in "OUT"
        return isinstance(source, list) and bool(source) and all(isinstance(item, np.ndarray) for item in source)

    def read(self, source: Any, wanted: Wanted) -> Reading:
        """Take the arrays; the pixels are not copied."""
        if not isinstance(source, tuple):
            return Reading(dataset_of_arrays(source))
        if len(source) > 3:
            raise ValueError(f"Arrays must come as (images, labels) or (images, labels, patients), got {len(source)}.")
        return Reading(dataset_of_arrays(*source, class_names=wanted.class_names))


def dataset_of_arrays(
    images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
    labels: ArrayLike | None = None,
    patients: Patients | None = None,
    *,
    class_names: Sequence[str] | None = None,
) -> OctDataset:
    """Take scans from arrays; the pixels are not copied.

    Args:
        images: uint8 (n, height, width), (n, height, width, 1) or (n, height, width, 3) in 0-255, or a list of n
            images of any sizes.
        labels: (n,) or (n, 1): class names, or whole numbers that count through ``class_names``; ``None`` for none, and
            ``None`` or NaN for a scan without one.
        patients: (n,) str or whole numbers, ``None`` for unknown ones.
        class_names: what numbers in ``labels`` stand for; without, the classes are named ``"0"``, ``"1"``, and so on.

    Returns:
        Scans named by their number.

    Raises:
        TypeError: if images aren't uint8, or labels neither whole numbers nor names.
        ValueError: if shapes don't agree, or a number has no class name.
    """
    check_images(images)
    n = len(images)
    numbers, names = (None, ()) if labels is None else as_labels(labels, n, class_names)
    known = None if patients is None else as_patients(patients, n)
    return OctDataset(ArrayOrigins(images, np.arange(n)), objects(list(map(str, range(n)))), numbers, names, known)
