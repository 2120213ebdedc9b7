"""Classes: labels as callers write them, as numbers that count through class names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from octlib.data.columns import is_missing
from octlib.data.naming import class_name

NO_LABEL = -1

# Without class names every number up to the largest is a class. No set of scans has that many: patients were given.
MOST_CLASSES = 1000

# As tables write whole numbers: pandas writes 1.0 for 1 where one is missing. Class 01 is a name.
_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]{0,17}))(?:\.0)?")

Labels = tuple[NDArray[np.int64] | None, tuple[str, ...]]


def as_labels(labels: ArrayLike, n: int, class_names: Sequence[str] | None = None) -> Labels:
    """Bring labels to numbers.

    Args:
        labels: (n,) or (n, 1): class names (blanks around them don't count), or whole numbers that count through
            ``class_names``; ``None``, NaN or blanks for a scan without a label. Or (n, classes): one 1 in each row,
            zeros besides (one-hot).
        n: how many scans there are.
        class_names: what numbers stand for; without, the classes are named ``"0"``, ``"1"``, and so on.

    Returns:
        int64 (n,), -1 for a scan without a label, and the class names: those of a categorical column, those of numbers,
        or the names that there are, sorted. ``None`` and no names where no scan has a label.

    Raises:
        TypeError: if labels are neither whole numbers nor names.
        ValueError: if there aren't ``n`` of them, a number has no class name, or a row has several ones or none.

    Example:
        >>> as_labels(["DME", None, "CNV"], 3)
        (array([ 1, -1,  0]), ('CNV', 'DME'))
    """
    values: NDArray[Any] = np.asarray(labels, dtype=object)
    if values.ndim == 2 and len(values) == n and values.shape[1] > 1:
        values = _places_of_ones(values)
    if values.shape not in {(n,), (n, 1)}:
        raise ValueError(f"Labels must be one for each image, {n} in all, got the shape {values.shape}.")
    plain = (item.item() if isinstance(item, np.generic) else item for item in values.ravel().tolist())
    items = [None if is_missing(item) else item for item in plain]
    items = [(class_name(item) or None) if isinstance(item, str) else item for item in items]
    kinds = {type(item) for item in items} - {type(None)}
    categories = getattr(getattr(labels, "dtype", None), "categories", None)  # of a pandas column
    if kinds <= {str} and categories is not None:
        return _numbered(items, tuple(dict.fromkeys(map(class_name, map(str, categories)))))
    if not kinds:
        return None, ()
    if all(issubclass(kind, str) for kind in kinds):
        return _numbered(items, tuple(sorted({item for item in items if item is not None})))
    return _counted(_whole(items, kinds), class_names)


def as_written(texts: Iterable[Any], class_names: Sequence[str] | None = None) -> list[Any]:
    """Tell the labels of a text file, whose numbers are texts: names, or numbers that count through class names.

    Args:
        texts: as they are written; what is missing, or no text, stays as it is.
        class_names: those that are wanted; labels that are all among them are names, numbers too.

    Returns:
        Whole numbers where all labels are some and are none of the class names, else the same texts.

    Example:
        >>> as_written(["1", None, "0.0"]), as_written(["1", "0"], ["1", "0"]), as_written(["01", "1"])
        ([1, None, 0], ['1', '0'], ['01', '1'])
    """
    labels = list(texts)
    different = {label for label in labels if isinstance(label, str)}
    matches = {label: _WHOLE.fullmatch(label) for label in different}
    if different <= set(class_names or ()) or not all(matches.values()):
        return labels
    plain = {label: found.group(1) for label, found in matches.items() if found}
    named = set(plain.values()) <= set(class_names or ())
    return [label if not isinstance(label, str) else plain[label] if named else int(plain[label]) for label in labels]


def _places_of_ones(rows: NDArray[Any]) -> NDArray[Any]:
    ones = rows == 1
    if not ((ones | (rows == 0)).all() and (ones.sum(axis=1) == 1).all()):
        wrong = int(np.flatnonzero((ones.sum(axis=1) != 1) | ~(ones | (rows == 0)).all(axis=1))[0])
        raise ValueError(
            f"One-hot labels must have one 1 in each row and zeros besides, got {rows[wrong].tolist()} in row {wrong}. "
            "Several findings in one scan are not supported; give None for a scan without a label."
        )
    return np.asarray(ones.argmax(axis=1), dtype=object)


def _numbered(items: Sequence[str | None], class_names: tuple[str, ...]) -> Labels:
    place: dict[str | None, int] = {name: position for position, name in enumerate(class_names)}
    return np.array([place.get(item, NO_LABEL) for item in items], dtype=np.int64), class_names


def _whole(items: list[Any], kinds: set[type]) -> list[int | None]:
    # Whole numbers become floats in a table that lacks some of them; floats that lack nothing were meant as floats.
    if kinds == {float} and None in items and all(item is None or item.is_integer() for item in items):
        return [None if item is None else int(item) for item in items]
    if kinds != {int}:
        found = np.asarray([item for item in items if item is not None]).dtype
        raise TypeError(f"Labels must be class names or whole numbers, got {found}. Write labels.astype(int).")
    return items


def _counted(items: list[int | None], class_names: Sequence[str] | None) -> Labels:
    known = [item for item in items if item is not None]
    if not class_names and max(known) >= MOST_CLASSES:
        raise ValueError(
            f"Labels without class_names must count the classes from 0 on, got {max(known)}. Give class_names, or "
            "names as labels; patients come third: (images, labels, patients)."
        )
    classes = tuple(class_names or map(str, range(max(*known, 0) + 1)))
    wrong = sorted({item for item in known if not 0 <= item < len(classes)})
    if wrong:
        raise ValueError(
            f"Labels must be between 0 and {len(classes) - 1} for the classes {', '.join(classes)}, got "
            f"{', '.join(map(str, wrong[:6]))}. Give as many class_names as there are classes, and None for a scan "
            "without a label."
        )
    return np.array([NO_LABEL if item is None else item for item in items], dtype=np.int64), classes
