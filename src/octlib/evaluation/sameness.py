"""Sameness: whether evaluations are of the same scans, so that they can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from octlib.evaluation.judged import patients_of

if TYPE_CHECKING:
    from octlib.evaluation.result import Evaluation

ADVICE = "Compare evaluations of the same scans, in the same order and at the same level."


def require_same_classes(classes: Mapping[str, Sequence[str]]) -> None:
    """Refuse classifiers whose classes differ; they may stand in another order.

    Raises:
        ValueError: if they do, with those of both.
    """
    first, *others = classes
    for name in others:
        if set(classes[name]) != set(classes[first]):
            raise ValueError(
                f"What is compared must have the same classes; {first} has {sorted(classes[first])}, {name} has "
                f"{sorted(classes[name])}. Train them on the same classes."
            )


def require_same_scans(first: str, one: Evaluation, name: str, other: Evaluation) -> None:
    """Refuse evaluations of different scans, by what is known of them: names, patients, labels.

    Args:
        first: the name of an evaluation.
        one: the evaluation.
        name: of another.
        other: that evaluation.

    Raises:
        ValueError: if level, number, names, patients, labels or order differ; the text says which.
    """
    if one.level != other.level:
        raise ValueError(f"{first} was evaluated at level {one.level!r}, {name} at level {other.level!r}. {ADVICE}")
    if one.n_scans != other.n_scans:
        raise ValueError(
            f"{first} was evaluated on {one.n_scans:,} {one.level}s, {name} on {other.n_scans:,} {one.level}s. {ADVICE}"
        )
    known, also = _what_is_known(one), _what_is_known(other)
    for what in known:
        if what not in also:  # names known of one alone tell nothing
            continue
        different = np.flatnonzero(known[what] != also[what])
        if len(different):
            row = different[0]
            raise ValueError(
                f"{first} and {name} were evaluated on different {one.level}s, or in another order: the {what} differs "
                f"in {len(different):,} of {one.n_scans:,} rows, first in row {row}: {known[what][row]!r} and "
                f"{also[what][row]!r}. {ADVICE}"
            )


def _what_is_known(evaluation: Evaluation) -> dict[str, np.ndarray]:
    names = {"name": evaluation.scans["name"].to_numpy(object)} if "name" in evaluation.scans else {}
    labels = np.array(evaluation.class_names, dtype=object)[evaluation.truth]
    return {**names, "patient": patients_of(evaluation), "label": labels}
