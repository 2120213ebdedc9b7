"""Reading: what every reader gives: scans, class names, and what the user should hear about."""

from __future__ import annotations

from dataclasses import dataclass

from octlib.data.scan import Scan


@dataclass(frozen=True)
class Reading:
    """The scans of one source.

    Args:
        scans: all of them, of all published splits.
        class_names: the classes in order; empty where there are no labels.
        remarks: sentences for a warning, such as what was left out.
    """

    scans: tuple[Scan, ...]
    class_names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
