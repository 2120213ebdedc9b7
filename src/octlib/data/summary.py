"""Summary: a dataset's scans and patients per class, for the terminal and for notebooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from octlib.data.scan import Scan


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


def count(name: str, scans: Sequence[Scan]) -> Count:
    """Count scans and their patients.

    Args:
        name: what the count is called.
        scans: what is counted.

    Returns:
        The numbers.
    """
    known = [scan.patient for scan in scans if scan.patient is not None]
    return Count(name, len(scans), len(set(known)), len(scans) - len(known))


def count_classes(scans: Sequence[Scan], class_names: Sequence[str]) -> list[Count]:
    """Count scans and patients for each class, in the order of the classes."""
    members: dict[str | None, list[Scan]] = {name: [] for name in class_names}
    for scan in scans:
        members.setdefault(scan.label, []).append(scan)
    return [count(name, members[name]) for name in class_names]


def as_text(scans: Sequence[Scan], class_names: Sequence[str]) -> str:
    """Describe a dataset in a few lines of text.

    Args:
        scans: all of its scans.
        class_names: its classes, or none.

    Returns:
        Lines with the totals, scans and patients per class, and the published splits, as far as they are known.
    """
    total = count("all", scans)
    classes = count_classes(scans, class_names)
    lines = [f"OctDataset: {_totals(total)}" + ("" if class_names else ", no labels")]
    if classes:
        lines.append("scans per class: " + _listed({each.name: each.scans for each in classes}))
    if classes and total.patients:
        lines.append("patients per class: " + _listed({each.name: each.patients for each in classes}))
    splits = _splits(scans)
    if splits:
        lines.append("published splits: " + _listed(splits))
    return "\n".join(lines)


def as_html(scans: Sequence[Scan], class_names: Sequence[str]) -> str:
    """Describe a dataset as an HTML table for notebooks; names are escaped.

    Args:
        scans: all of its scans.
        class_names: its classes, or none.

    Returns:
        One ``<table>`` with a row for each class and one for the total.
    """
    total = count("all", scans)
    rows = [*count_classes(scans, class_names), total]
    caption = f"OctDataset: {_totals(total)}" + ("" if class_names else ", no labels")
    splits = _splits(scans)
    if splits:
        caption += f"; published splits: {_listed(splits)}"
    body = "".join(
        f"<tr><th>{escape(row.name)}</th><td>{row.scans:,}</td><td>{_patients(row)}</td></tr>" for row in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr><th>class</th><th>scans</th><th>patients</th></tr></thead><tbody>{body}</tbody></table>"
    )


def _totals(total: Count) -> str:
    scans = f"{total.scans:,} scan{'' if total.scans == 1 else 's'}"
    if not total.patients:
        return f"{scans}, patients unknown" if total.scans else scans
    patients = f"{scans} of {total.patients:,} patient{'' if total.patients == 1 else 's'}"
    return f"{patients}, {total.unknown:,} of unknown patients" if total.unknown else patients


def _patients(row: Count) -> str:
    return "unknown" if row.unknown and not row.patients else f"{row.patients:,}"


def _listed(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in numbers.items())


def _splits(scans: Sequence[Scan]) -> dict[str, int]:
    counts = Counter(scan.split for scan in scans)
    return {name: counts[name] for name in ("train", "val", "test") if counts[name]}
