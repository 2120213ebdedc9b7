"""Summary: a dataset's scans and patients per class, for the terminal and for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from octlib.data.columns import number

Texts = NDArray[np.object_]


@dataclass(frozen=True)
class Count:
    """How much there is of one class, or of everything.

    Args:
        name: the class's name.
        scans: how many scans.
        patients: how many different patients are known among them.
        unknown: how many of the scans have no known patient.
    """

    name: str
    scans: int
    patients: int
    unknown: int


@dataclass(frozen=True)
class Summary:
    """What a dataset's printed form says.

    Args:
        classes: the count of each class, in their order.
        total: that of all scans.
        unlabelled: how many scans have no label, though there are classes.
        splits: how many scans there are of each published split that there is.
    """

    classes: tuple[Count, ...]
    total: Count
    unlabelled: int
    splits: dict[str, int]

    def as_text(self) -> str:
        """Describe the dataset in lines of text: totals, scans and patients per class, and published splits."""
        lines = [f"OctDataset: {self._totals()}"]
        if self.classes:
            lines.append("scans per class: " + _listed({each.name: each.scans for each in self.classes}))
        if self.classes and self.total.patients:
            lines.append("patients per class: " + _listed({each.name: each.patients for each in self.classes}))
        if self.splits:
            lines.append("published splits: " + _listed(self.splits))
        return "\n".join(lines)

    def as_html(self) -> str:
        """Describe it as one ``<table>`` with a row for each class and one for the total; names are escaped."""
        caption = f"OctDataset: {self._totals()}"
        if self.splits:
            caption += f"; published splits: {_listed(self.splits)}"
        body = "".join(
            f"<tr><th>{escape(row.name)}</th><td>{row.scans:,}</td><td>{_patients(row)}</td></tr>"
            for row in (*self.classes, self.total)
        )
        return (
            f"<table><caption>{escape(caption)}</caption>"
            f"<thead><tr><th>class</th><th>scans</th><th>patients</th></tr></thead><tbody>{body}</tbody></table>"
        )

    def _totals(self) -> str:
        total = self.total
        text = f"{total.scans:,} scan{'' if total.scans == 1 else 's'}"
        if total.patients:
            text += f" of {total.patients:,} patient{'' if total.patients == 1 else 's'}"
            text += f", {total.unknown:,} of unknown patients" if total.unknown else ""
        elif total.scans:
            text += ", patients unknown"
        if not self.classes:
            return f"{text}, no labels"
        return f"{text}, {self.unlabelled:,} without a label" if self.unlabelled else text


def summarise(
    labels: NDArray[np.int64] | None, class_names: Sequence[str], patients: Texts | None, splits: Texts
) -> Summary:
    """Count scans and patients.

    Args:
        labels: int64 (n,), positions in ``class_names``, -1 for none; ``None`` where there are no classes.
        class_names: the classes.
        patients: object (n,) of str or ``None``; ``None`` where none is known.
        splits: object (n,) of str or ``None``.

    Returns:
        The counts.
    """
    n = len(splits)
    known = np.zeros(n, dtype=bool) if patients is None else np.array([each is not None for each in patients], bool)
    people = np.full(n, -1) if patients is None else np.where(known, number(patients), -1)

    def count(name: str, chosen: NDArray[np.bool_]) -> Count:
        some = chosen & known
        return Count(name, int(chosen.sum()), len(np.unique(people[some])), int((chosen & ~known).sum()))

    classes = () if labels is None else tuple(count(name, labels == place) for place, name in enumerate(class_names))
    unlabelled = 0 if labels is None else int((labels < 0).sum())
    published = {name: int((splits == name).sum()) for name in ("train", "val", "test")}
    there = {name: scans for name, scans in published.items() if scans}
    return Summary(classes, count("all", np.ones(n, dtype=bool)), unlabelled, there)


def _patients(row: Count) -> str:
    return "unknown" if row.unknown and not row.patients else f"{row.patients:,}"


def _listed(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in numbers.items())
