"""Audits: what an audit found, in one table of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from octlib.data import Audit


def summarise_audit(audit: Audit | None) -> dict[str, Any] | None:
    """Give what the template shows of an audit: each kind of finding with its number; ``None`` where there is none."""
    if audit is None:
        return None
    rows = [(kind, f"{count:,}") for kind, count in audit.counts.items()]
    return {"rows": rows, "how": f"Of {len(audit.scans):,} scans. octlib inspect --page shows the pictures."}
