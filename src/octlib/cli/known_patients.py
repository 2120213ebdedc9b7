"""Known patients: those whom a classifier was trained, chosen or calibrated on, as the tables beside it say."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from octlib.cli.console import warn

if TYPE_CHECKING:
    from octlib import OctDataset

# What octlib train and octlib calibrate write beside a classifier.
SPLIT, CALIBRATED_ON = "split.csv", "calibration.csv"
TOO_HIGH = "the figures come out too high. Evaluate it on others"


def warn_of_known_patients(
    classifier: Path,
    scans: OctDataset,
    parts: tuple[str, ...] = ("train", "validation", "calibration"),
    consequence: str = TOO_HIGH,
) -> None:
    """Warn where the tables beside a classifier say that it was trained, chosen or calibrated on patients of the scans.

    Args:
        classifier: its folder.
        scans: what is looked at now.
        parts: of these tables, whose patients must be others.
        consequence: what comes of it, and what to do.
    """
    patients = {scan.patient for scan in scans if scan.patient is not None}
    for name in (SPLIT, CALIBRATED_ON):
        table = classifier.absolute().parent / name
        if not table.is_file():
            continue
        with table.open(newline="", encoding="utf-8", errors="replace") as file:
            known = {row.get("patient") for row in csv.DictReader(file) if row.get("part") in parts}
        shared = patients & known
        if shared:
            warn(
                f"{len(shared):,} patients of the folder are among those that the classifier was trained, chosen or "
                f"calibrated on, as {table} says: {consequence}."
            )
