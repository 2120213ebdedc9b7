"""Audited: a page about what is wrong with a dataset, pairs of pictures side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from octlib.data import Audit
from octlib.errors import UnreadableScanError
from octlib.report.checks import check_words, require_free
from octlib.report.page import render, write_page
from octlib.report.pictures import draw_scan

if TYPE_CHECKING:
    from octlib.data import Finding

SHOWN = 20  # findings of each kind with pictures
LISTED = 200  # findings without pictures
WIDEST = 320  # pixels
EXPLAINED = {
    "unreadable": "Files that are damaged, gone, or no images.",
    "duplicate": "Every pixel is that of an earlier scan, however the file is encoded.",
    "near duplicate": "It looks like another scan: encoded anew, resized, mirrored, brightened or a little cropped. "
    "Neighbouring slices of one eye can look so, too: look at them.",
    "two labels": "The same picture, exactly or nearly, under two labels: one of them is wrong, if it is one picture.",
    "two patients": "The same picture of two patients, who may be one person under two names.",
    "two splits": "The same picture in two published splits: what is tested was trained on.",
    "shared patient": "The same patient in two published splits: metrics come out too high.",
}
WITHOUT_PICTURES = ("unreadable", "shared patient")


def write_audit(path: str | Path, audit: Audit, *, title: str = "octlib audit", overwrite: bool = False) -> Path:
    """Write an HTML page: what an audit found, with the scans side by side.

    The page is one file that loads nothing and runs no script. It shows the pictures of the first 20 findings of each
    kind, at most 320 pixels wide, and says how many more there are.

    Args:
        path: of the page, such as ``"audit.html"``.
        audit: what ``scans.audit()`` found.
        title: of the page.
        overwrite: replace a page that is there.

    Returns:
        The path.

    Raises:
        TypeError: if an argument is of another type.
        FileExistsError: if ``path`` is a folder, or exists and ``overwrite`` is false.
        OSError: if the page can't be written.

    Example:
        >>> import tempfile, octlib
        >>> scans = octlib.load_oct_dataset("phantoms").sample(2)
        >>> page = octlib.write_audit(tempfile.mkdtemp() + "/audit.html", scans.concat(scans).audit())
        >>> page.read_text(encoding="utf-8").count("<figure")
        2
    """
    if not isinstance(audit, Audit):
        raise TypeError(f"audit must be what scans.audit() returns, got an object of type {type(audit).__name__}.")
    check_words(title, "", ())
    path = require_free(path, overwrite)
    kinds = [_section(audit, kind) for kind in audit.counts]
    page = render(
        "audit.html",
        title=title,
        introduction="",
        notes=(),
        scans=len(audit.scans),
        faults=len(audit.findings),
        counts=[(kind, f"{count:,}") for kind, count in audit.counts.items()],
        around=audit.around,
        kinds=[section for section in kinds if section["rows"]],
    )
    return write_page(path, page)


def _section(audit: Audit, kind: str) -> dict[str, Any]:
    pairs = {frozenset((each.place, each.other)): each for each in reversed(audit.findings) if each.kind == kind}
    findings = sorted(pairs.values(), key=lambda each: each.place)
    shown = findings[: LISTED if kind in WITHOUT_PICTURES else SHOWN]
    return {
        "kind": kind,
        "explained": EXPLAINED[kind],
        "pictures": kind not in WITHOUT_PICTURES,
        "rows": [_row(audit, each, kind not in WITHOUT_PICTURES) for each in shown],
        "more": len(findings) - len(shown),
    }


def _row(audit: Audit, finding: Finding, pictures: bool) -> dict[str, Any]:
    places = [place for place in (finding.other, finding.place) if place is not None]
    return {
        "names": [audit.name(place) for place in places],
        "pictures": [_picture(audit, place) for place in places] if pictures else [],
        "detail": finding.detail,
    }


def _picture(audit: Audit, place: int) -> dict[str, Any] | None:
    try:
        return draw_scan(audit.scans[place], WIDEST)
    except UnreadableScanError:  # its file has gone since the audit
        return None
