"""Findings: what an audit says is wrong, row by row, as text and as HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Protocol

from octlib.data.copies import Copies

UNREADABLE, DUPLICATE, NEAR = "unreadable", "duplicate", "near duplicate"
LABELS, PATIENTS, SPLITS, SHARED = "two labels", "two patients", "two splits", "shared patient"
KINDS = (UNREADABLE, DUPLICATE, NEAR, LABELS, PATIENTS, SPLITS, SHARED)
SHOWN = 10  # findings of a kind that the printed form names
SIZES_SHOWN = 5
CHAIN = 6  # scans at most that are named on the way from one label to another
SAME, ALIKE = "the same pixels", "they look alike"

Values = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Args:
        kind: one of ``"unreadable"``, ``"duplicate"``, ``"near duplicate"``, ``"two labels"``, ``"two patients"``,
            ``"two splits"`` (of two copies), ``"shared patient"`` (of two published splits).
        place: the position of the scan.
        other: that of the scan that it is a copy of, or shares its patient with; ``None`` where there is none.
        detail: in words.
    """

    kind: str
    place: int
    other: int | None
    detail: str


class Audited(Protocol):
    """What is shown of an audit."""

    @property
    def scans(self) -> Sized:
        """The dataset."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that is wrong."""

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of each kind."""

    @property
    def sizes(self) -> Mapping[tuple[int, int], int]:
        """How many scans there are of each (height, width)."""

    @property
    def wedges(self) -> int:
        """How many scans have wedges."""

    @property
    def scans_per_patient(self) -> Mapping[str, int]:
        """How many scans there are of each patient."""

    def name(self, place: int | None) -> str | None:
        """Name a scan."""


def of_copies(copies: Copies) -> Iterator[Finding]:
    """List copies.

    Args:
        copies: of the dataset.

    Yields:
        A finding for each scan but the first of those with the same pixels; then one for each scan but the first of
        those that look alike, one pair leading to the next, beside the one through which it belongs to them. No pair
        comes twice.
    """
    later = sorted((place, first) for first, group in copies.groups.items() for place in group[1:])
    yield from (Finding(DUPLICATE, place, first, SAME) for place, first in later)
    hanging = sorted((place, hold) for tree in copies.trees for place, hold in tree.items() if hold is not None)
    for place, (other, pair) in hanging:
        how = f"{'mirrored, ' if pair.mirrored else ''}likeness {pair.likeness:.2f}"
        yield Finding(NEAR, place, other, how)


def clashes(kind: str, values: Values, copies: Copies, name: Callable[[int], str]) -> Iterator[Finding]:
    """List copies that differ in what must be the same for copies.

    Args:
        kind: of the findings.
        values: what is known of each scan, such as its label; ``None`` for unknown.
        copies: of the dataset.
        name: gives the name of a scan.

    Yields:
        A finding for each scan with a copy, or a near one, before it that has another value. It stands beside the
        nearest one with another value: one with the same pixels, else one that looks like it, else one to which
        several pairs lead, and these are named.
    """
    first_of = {place: first for first, group in copies.groups.items() for place in group}
    for firsts in copies.alike():
        members = copies.members(firsts)
        if len({values[place] for place in members} - {None}) < 2:
            continue
        ways, seen = copies.ways(firsts, values), set()
        for place in members:
            value = values[place]
            if value is None:
                continue
            seen.add(value)
            if len(seen) > 1:
                way = next(way for each, way in ways[first_of[place]].items() if each != value)
                other = way[-1]
                yield Finding(kind, place, other, f"{values[other]} and {value}: {_how(place, way, name)}")


def disputed(values: Values, copies: Copies) -> list[int]:
    """List all scans with a known value whose picture has two values or more."""
    found = []
    for firsts in copies.alike():
        known = [place for place in copies.members(firsts) if values[place] is not None]
        if len({values[place] for place in known}) > 1:
            found += known
    return sorted(found)


def of_shared_patients(patients: Values, splits: Values) -> Iterator[Finding]:
    """List patients whom published splits share: their first scan in each further split, beside their very first."""
    seen: dict[str, dict[str, int]] = {}
    for place, (patient, split) in enumerate(zip(patients, splits, strict=True)):
        if patient is None or split is None:
            continue
        of_patient = seen.setdefault(patient, {})
        if split not in of_patient:
            of_patient[split] = place
            first = next(iter(of_patient))
            if first != split:
                yield Finding(SHARED, place, of_patient[first], f"patient {patient} in {first} and {split}")


def as_text(audit: Audited) -> str:
    """Describe an audit in lines of text: how much there is of each kind, the first of each, and what isn't wrong."""
    lines = [f"Audit: {headline(audit)}"]
    for kind, rows in _of_kinds(audit):
        lines.append(f"{kind}: {len(rows):,}")
        lines += [f"  {_printable(_in_words(audit, each))}" for each in rows[:SHOWN]]
        if len(rows) > SHOWN:
            lines.append(f"  and {len(rows) - SHOWN:,} more")
    return "\n".join([*lines, *(f"{name}: {value}" for name, value in around(audit))])


def as_html(audit: Audited) -> str:
    """Describe it as one ``<table>`` with a row for each kind and its first findings; names are escaped."""
    rows = []
    for kind, found in _of_kinds(audit):
        lines = [escape(_printable(_in_words(audit, each))) for each in found[:SHOWN]]
        lines += [f"and {len(found) - SHOWN:,} more"] if len(found) > SHOWN else []
        rows.append(f"<tr><th>{kind}</th><td>{len(found):,}</td><td>{'<br>'.join(lines)}</td></tr>")
    rows += [f"<tr><th>{name}</th><td></td><td>{escape(value)}</td></tr>" for name, value in around(audit)]
    return f"<table><caption>Audit: {headline(audit)}</caption><tbody>{''.join(rows)}</tbody></table>"


def headline(audit: Audited) -> str:
    """Say how much was found in how many scans."""
    found, scans = len(audit.findings), len(audit.scans)
    return f"{found:,} finding{'' if found == 1 else 's'} in {scans:,} scan{'' if scans == 1 else 's'}"


def around(audit: Audited) -> list[tuple[str, str]]:
    """Say what isn't wrong but good to know: sizes, wedges and scans per patient, each with its name."""
    sizes = [f"{height} x {width} {count:,}" for (height, width), count in audit.sizes.items()]
    more = len(sizes) - SIZES_SHOWN
    scans = sorted(audit.scans_per_patient.values())
    return [
        ("sizes (height x width)", ", ".join(sizes[:SIZES_SHOWN]) + (f", and {more:,} more" if more > 0 else "")),
        ("scans with white wedges", f"{audit.wedges:,}"),
        ("scans per patient", f"{scans[0]:,} to {scans[-1]:,}, median {median(scans):g}" if scans else "unknown"),
    ]


def _of_kinds(audit: Audited) -> Iterator[tuple[str, list[Finding]]]:
    for kind in KINDS:
        yield kind, [each for each in audit.findings if each.kind == kind]


def _in_words(audit: Audited, finding: Finding) -> str:
    other = "" if finding.other is None else f" and {audit.name(finding.other)}"
    return f"{audit.name(finding.place)}{other}: {finding.detail}"


def _printable(text: str) -> str:
    """Show line breaks, and bytes that are no text, of file names as Python writes them."""
    return text if text.isprintable() else repr(text)[1:-1]


def _how(place: int, way: list[int], name: Callable[[int], str]) -> str:
    *firsts, other = way
    if len(firsts) <= 2:
        return SAME if len(firsts) == 1 else ALIKE
    chain = [name(each) for each in (other, *firsts[-2:0:-1], place)]
    if len(chain) > CHAIN:
        chain[CHAIN // 2 : -(CHAIN // 2)] = [f"{len(chain) - 2 * (CHAIN // 2)} more"]
    return f"each looks like the next: {', '.join(chain)}"
