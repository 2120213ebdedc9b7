"""Report: results as a page that a browser shows anywhere, from one file."""

from octlib.report.audited import write_audit
from octlib.report.write import write_report

__all__ = ["write_audit", "write_report"]
