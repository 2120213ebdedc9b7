"""Findings: what an audit says is wrong, row by row, as text and as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Protocol

import numpy as np

from octlib.data.near_pairs import NearPair

UNREADABLE, DUPLICATE, NEAR = "unreadable", "duplicate", "near duplicate"
LABELS, PATIENTS, SPLITS, SHARED = "two labels", "two patients", "two splits", "shared patient"
KINDS = (UNREADABLE, DUPLICATE, NEAR, LABELS, PATIENTS, SPLITS, SHARED)
SHOWN = 10  # findings of a kind that the printed form names
SIZES_SHOWN = 5
SAME, ALIKE = "the same pixels", "they look alike"

Values = Sequence[str | None]
Groups = Mapping[int, Sequence[int]]
Near = Sequence[tuple[int, int, NearPair]]  # the positions of two scans, and what is known of the pair


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


def copies(groups: Groups, near: Near) -> Iterator[Finding]:
    """List copies.

    Args:
        groups: by the position of the first scan with certain pixels those of all that have them, in their order.
        near: pairs of such first scans that look alike.

    Yields:
        A finding for each scan but the first of those with the same pixels; then one for each scan but the first of
        those that look alike, one pair leading to the next, beside the one that it looks like most.
    """
    later = sorted((place, original) for original, group in groups.items() for place in group[1:])
    yield from (Finding(DUPLICATE, place, original, SAME) for place, original in later)
    likest: dict[int, tuple[int, NearPair]] = {}
    for earlier, other, pair in sorted(near, key=lambda each: -each[2].likeness):
        likest.setdefault(earlier, (other, pair))
        likest.setdefault(other, (earlier, pair))
    for place in sorted(place for linked in _linked(near) for place in linked[1:]):
        other, pair = likest[place]
        how = f"{'mirrored, ' if pair.mirrored else ''}likeness {pair.likeness:.2f}"
        yield Finding(NEAR, place, other, how)


def clashes(kind: str, values: Values, groups: Groups, near: Near) -> Iterator[Finding]:
    """List copies that differ in what must be the same for copies.

    Args:
        kind: of the findings.
        values: what is known of each scan, such as its label; ``None`` for unknown.
        groups: as for ``copies``.
        near: as for ``copies``.

    Yields:
        A finding for each scan with a copy, or a near one, before it that has another value.
    """
    exact = {place: original for original, group in groups.items() for place in group}
    linked = _linked(near)
    alone = set(groups).difference(place for originals in linked for place in originals)
    for originals in (*linked, *([original] for original in alone)):
        group = sorted(place for original in originals for place in groups[original])
        for place, other in _others(group, values):
            how = SAME if exact[place] == exact[other] else ALIKE
            yield Finding(kind, place, other, f"{values[other]} and {values[place]}: {how}")


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


def _linked(near: Near) -> list[list[int]]:
    """Put together what one pair after the other leads to: sorted positions."""
    if not near:
        return []
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.array([(earlier, later) for earlier, later, _ in near])
    places, rows = np.unique(ends, return_inverse=True)
    one, other = rows.reshape(ends.shape).T
    links = coo_array((np.ones(len(ends)), (one, other)), shape=(len(places), len(places)))
    _, components = connected_components(links, directed=False)
    order = np.argsort(components, kind="stable")
    return [each.tolist() for each in np.split(places[order], np.cumsum(np.bincount(components))[:-1])]


def _others(group: Sequence[int], values: Values) -> Iterator[tuple[int, int]]:
    """Give each scan that has one of another known value before it in the group, and the first such one."""
    firsts: dict[str, int] = {}
    for place in group:
        value = values[place]
        if value is None:
            continue
        other = next((first for each, first in firsts.items() if each != value), None)
        if other is not None:
            yield place, other
        firsts.setdefault(value, place)
