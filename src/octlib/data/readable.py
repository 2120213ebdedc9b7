"""Readable: which scans can't be read and why, all of them in one error or in one warning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from typing import Protocol

from octlib.data.scan import Scan
from octlib.data.threads import in_threads
from octlib.errors import MissingScanError, UnreadableScanError
from octlib.preprocessing import why_unreadable

Failure = tuple[Scan, str]

SHOWN = 20  # scans that a message names
# Every byte of a JPEG is decoded at a reduced scale too, which finds the same damage in a fraction of the time.
ENOUGH = (1, 1)
MISSING = why_unreadable(MissingScanError(""))
ADVICE = (
    "Replace them by intact 8- or 16-bit images, or load the scans with on_error='skip', which leaves such images out."
)


class Scans(Sized, Iterable[Scan], Protocol):
    """A dataset, or any list of scans."""


def unreadable(scans: Scans, *, show: bool | None = False) -> list[Failure]:
    """Find the scans that can't be read, by reading the pixels of all.

    Args:
        scans: which ones to read.
        show: whether to draw a progress bar; ``None`` draws one where somebody can watch.

    Returns:
        Those that can't be read, in their order, each with the reason: damaged, closed to this user, gone.

    Raises:
        MemoryError: if there is no memory to read one.
        OSError: if the operating system fails for another reason than the file itself.
    """
    reasons = in_threads(_reason, scans, title="Checking scans", show=show)
    return [(scan, reason) for scan, reason in zip(scans, reasons, strict=True) if reason is not None]


def require_readable(scans: Scans) -> None:
    """Refuse scans some of which can't be read; all of them are read for that.

    Args:
        scans: a dataset, or a list of scans.

    Raises:
        MissingScanError: if files are missing, and every other scan can be read.
        UnreadableScanError: if scans can't be read; the text says how many, names them (the first 20) and gives
            reasons.

    Example:
        >>> import octlib
        >>> require_readable(octlib.load_oct_dataset("phantoms").sample(4))
    """
    failures = unreadable(scans)
    if not failures:
        return
    kind = MissingScanError if all(reason == MISSING for _, reason in failures) else UnreadableScanError
    # An error that a reader met on the way says less of the same: it isn't shown beside this one.
    raise kind(f"{len(failures):,} of {len(scans):,} scans can't be read: {_listed(failures)}.", ADVICE) from None


def leave_out_unreadable(scans: Scans) -> tuple[tuple[Scan, ...], str]:
    """Drop the scans that can't be read.

    Args:
        scans: which ones to read.

    Returns:
        The others, in their order, and what to tell the user of those that were dropped: nothing where there are none.

    Raises:
        UnreadableScanError: if no scan can be read.
        MemoryError: as ``unreadable``.
        OSError: as ``unreadable``.
    """
    failures = unreadable(scans, show=None)
    if failures and len(failures) == len(scans):
        raise UnreadableScanError(
            f"None of the {len(scans):,} scans can be read: {_listed(failures)}.", "Give intact 8- or 16-bit images."
        )
    # By identity: two rows may be equal, of the same file under the same name.
    dropped = {id(scan) for scan, _ in failures}
    remark = f"{len(failures):,} of {len(scans):,} scans can't be read and were left out: {_listed(failures)}."
    return tuple(scan for scan in scans if id(scan) not in dropped), remark if failures else ""


def _reason(scan: Scan) -> str | None:
    try:
        scan.read(at_least=ENOUGH)
    except UnreadableScanError as error:
        return why_unreadable(error)
    return None


def _listed(failures: Sequence[Failure]) -> str:
    shown = "; ".join(f"{scan.path or scan.name} ({reason})" for scan, reason in failures[:SHOWN])
    more = len(failures) - SHOWN
    return shown + (f"; and {more:,} more" if more > 0 else "")
