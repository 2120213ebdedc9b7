"""Audits: every kind of finding with its number."""

from __future__ import annotations

from octlib.report.audits import summarise_audit


def test_findings_are_counted_by_kind(scans):
    audit = scans.concat(scans[:3]).audit(progress=False)
    told = summarise_audit(audit)
    assert dict(told["rows"])["duplicate"] == "3"
    assert dict(told["rows"])["unreadable"] == "0"
    assert "Of 11 scans." in told["how"]
    assert summarise_audit(None) is None
