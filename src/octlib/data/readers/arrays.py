"""Arrays: scans that are in memory, with labels and patients if there are any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from octlib.data.origins import ArrayScan
from octlib.data.patients import Patients, as_patients
from octlib.data.readers.reading import Reading
from octlib.data.scan import Scan
from octlib.preprocessing import check_images

# Without class names every number up to the largest is a class. No set of scans has that many: patients were given.
MOST_CLASSES = 1000


def read_arrays(
    images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
    labels: ArrayLike | None = None,
    patients: Patients | None = None,
    *,
    class_names: Sequence[str] | None = None,
) -> Reading:
    """Take scans from arrays; the pixels are not copied.

    Args:
        images: uint8 (n, height, width), (n, height, width, 1) or (n, height, width, 3) in 0-255, or a list of n
            images of any sizes.
        labels: (n,) or (n, 1): class names, or whole numbers that count through ``class_names``; ``None`` for none.
        patients: (n,) str or whole numbers, ``None`` for unknown ones.
        class_names: what numbers in ``labels`` stand for; without, the classes are named ``"0"``, ``"1"``, and so on.

    Returns:
        Scans named by their number.

    Raises:
        TypeError: where images aren't uint8, or labels neither whole numbers nor names.
        ValueError: where shapes don't agree, or a number has no class name.
    """
    check_images(images)
    n = len(images)
    names, classes = _as_names(labels, n, class_names) if labels is not None else ([None] * n, ())
    known = as_patients(patients, n) if patients is not None else [None] * n
    return Reading(
        tuple(
            Scan(ArrayScan(images, index), str(index), name, patient)
            for index, (name, patient) in enumerate(zip(names, known, strict=True))
        ),
        tuple(classes),
    )


def _as_names(labels: ArrayLike, n: int, class_names: Sequence[str] | None) -> tuple[list[str], Sequence[str]]:
    values: NDArray[Any] = np.asarray(labels)
    if values.shape not in {(n,), (n, 1)}:
        raise ValueError(f"Labels must be one for each image, {n} in all, got the shape {values.shape}.")
    items = values.ravel().tolist()
    if all(isinstance(item, str) for item in items):
        return items, class_names or sorted(set(items))
    if any(isinstance(item, bool) or not isinstance(item, int) for item in items):
        raise TypeError(f"Labels must be class names or whole numbers, got {values.dtype}. Write labels.astype(int).")
    if not class_names and max(items) >= MOST_CLASSES:
        raise ValueError(
            f"Labels without class_names must count the classes from 0 on, got {max(items)}. Give class_names, or "
            "names as labels; patients come third: (images, labels, patients)."
        )
    classes = class_names or [str(number) for number in range(max(*items, 0) + 1)]
    wrong = sorted({item for item in items if not 0 <= item < len(classes)})
    if wrong:
        raise ValueError(
            f"Labels must be between 0 and {len(classes) - 1} for the classes {', '.join(classes)}, got "
            f"{', '.join(map(str, wrong[:6]))}. Give as many class_names as there are classes."
        )
    return [classes[item] for item in items], classes
