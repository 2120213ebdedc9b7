"""Audit: everything in a dataset that makes figures wrong, found in one pass over its scans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from octlib.data.columns import objects
from octlib.data.copies import Copies
from octlib.data.findings import (
    DUPLICATE,
    KINDS,
    LABELS,
    NEAR,
    PATIENTS,
    SPLITS,
    UNREADABLE,
    Finding,
    around,
    as_html,
    as_text,
    clashes,
    disputed,
    of_copies,
    of_shared_patients,
)
from octlib.data.likeness import SIDE, thumbnail
from octlib.data.near_pairs import near_pairs
from octlib.data.origins import digest_of_pixels
from octlib.data.patients import shared_patients
from octlib.data.scan import Scan
from octlib.data.threads import in_threads
from octlib.errors import UnreadableScanError
from octlib.preprocessing import blank_wedges, why_unreadable

if TYPE_CHECKING:
    import pandas as pd

Places = NDArray[np.int64]


class Scans(Protocol):
    """A dataset, or any sequence of scans."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, place: int, /) -> Scan:
        """Give one."""

    def __iter__(self) -> Iterator[Scan]:
        """Give all in turn."""


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """What ``scans.audit()`` found.

    ``unreadable``, ``duplicates`` and the like are positions in the dataset, for ``scans.without(audit.duplicates)``.

    Attributes:
        scans: the dataset.
        findings: all that is wrong, in the order of ``kinds``: each with the position of a scan, that of another one
            where it is about two, and details.
        sizes: how many scans there are of each (height, width) in pixels, the most frequent first.
        wedges: how many scans have white wedges along the border, which ``octlib.preprocessing.blank_wedges`` blanks.
        scans_per_patient: how many scans there are of each known patient.
        shared_patients: for each two published splits that share somebody, the number of shared patients.
        conflicts: the scans whose picture is there under two labels or more: all copies that have a label.

    Example:
        >>> import octlib
        >>> scans = octlib.load_oct_dataset("phantoms").sample(6)
        >>> audit = scans.concat(scans[:2]).audit()
        >>> audit.duplicates
        array([6, 7])
        >>> audit.to_frame().columns.tolist()
        ['kind', 'scan', 'other', 'detail']
        >>> len(audit.scans.without(audit.duplicates))
        6
    """

    scans: Scans
    findings: tuple[Finding, ...]
    sizes: Mapping[tuple[int, int], int] = field(default_factory=dict)
    wedges: int = 0
    scans_per_patient: Mapping[str, int] = field(default_factory=dict)
    shared_patients: Mapping[tuple[str, str], int] = field(default_factory=dict)
    conflicts: Places = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def unreadable(self) -> Places:
        """The scans that can't be read."""
        return self._places(UNREADABLE)

    @property
    def duplicates(self) -> Places:
        """The scans that have every pixel of an earlier one, which is not among them."""
        return self._places(DUPLICATE)

    @property
    def near_duplicates(self) -> Places:
        """All but the first of scans that look alike: encoded anew, resized, mirrored, brightened, a little cropped."""
        return self._places(NEAR)

    @property
    def across_patients(self) -> Places:
        """The scans whose picture is there earlier, of another patient."""
        return self._places(PATIENTS)

    @property
    def across_splits(self) -> Places:
        """The scans whose picture is there earlier, in another published split."""
        return self._places(SPLITS)

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind, all kinds in their order."""
        found = Counter(each.kind for each in self.findings)
        return {kind: found[kind] for kind in KINDS}

    @property
    def around(self) -> list[tuple[str, str]]:
        """What isn't wrong but good to know, in words: sizes, wedges and scans per patient, each with its name."""
        return around(self)

    def to_frame(self) -> pd.DataFrame:
        """List the findings.

        Returns:
            A ``pandas.DataFrame`` with a row for each and the columns kind, scan and other (names; ``None`` where no
            other scan is concerned) and detail.
        """
        import pandas as pd

        rows = [(each.kind, self.name(each.place), self.name(each.other), each.detail) for each in self.findings]
        columns = ("kind", "scan", "other", "detail")
        return pd.DataFrame(
            {name: objects([row[place] for row in rows]) for place, name in enumerate(columns)}, dtype=object
        )

    def name(self, place: int | None) -> str | None:
        """Give the name of the scan at a position, none for none."""
        return None if place is None else self.scans[place].name

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)

    def _places(self, kind: str) -> Places:
        return np.unique(np.array([each.place for each in self.findings if each.kind == kind], dtype=np.int64))


def audit_scans(scans: Scans, *, progress: bool | None = None) -> Audit:
    """Read every scan of a dataset once, and find what costs trust.

    Args:
        scans: the dataset.
        progress: whether to draw bars; ``None`` draws them where somebody can watch.

    Returns:
        The findings; nothing that is wrong with a scan is an error here. Some 6 kB a scan are in memory.
    """
    thumbnails = np.zeros((len(scans), SIDE, SIDE), dtype=np.uint8)
    first: dict[bytes, int] = {}
    groups: dict[int, list[int]] = {}
    failures, sizes, wedges = [], Counter[tuple[int, int]](), 0
    for place, look in enumerate(in_threads(_look, scans, title="Reading scans", show=progress)):
        if isinstance(look, str):
            failures.append(Finding(UNREADABLE, place, None, look))
            continue
        original = first.setdefault(look.digest, place)
        if original == place:
            thumbnails[len(groups)] = look.thumbnail
        groups.setdefault(original, []).append(place)
        sizes[look.size] += 1
        wedges += look.wedge
    originals = list(groups)
    pairs = near_pairs(thumbnails[: len(groups)], show=progress)
    copies = Copies(groups, [(originals[each.earlier], originals[each.later], each) for each in pairs])
    labels, patients, splits = _known(scans)
    findings = [*failures, *of_copies(copies)]
    for kind, values in ((LABELS, labels), (PATIENTS, patients), (SPLITS, splits)):
        found = clashes(kind, values, copies, lambda place: scans[place].name)
        findings += sorted(found, key=lambda finding: finding.place)
    findings += of_shared_patients(patients, splits)
    people = Counter(patient for patient in patients if patient is not None)
    shared = shared_patients(objects(patients), objects(splits))
    conflicts = np.array(disputed(labels, copies), dtype=np.int64)
    return Audit(scans, tuple(findings), dict(sizes.most_common()), wedges, dict(people), shared, conflicts)


@dataclass(frozen=True, slots=True)
class _Look:
    size: tuple[int, int]
    digest: bytes
    wedge: bool
    thumbnail: NDArray[np.uint8]


def _look(scan: Scan) -> _Look | str:
    try:
        pixels = scan.read()
    except UnreadableScanError as error:
        return why_unreadable(error)
    height, width = pixels.shape
    wedge = not np.array_equal(blank_wedges(pixels), pixels)
    return _Look((height, width), digest_of_pixels(pixels), wedge, thumbnail(pixels))


def _known(scans: Scans) -> tuple[Sequence[str | None], ...]:
    rows = [(scan.label, scan.patient, scan.split) for scan in scans]
    return tuple([row[column] for row in rows] for column in range(3))
