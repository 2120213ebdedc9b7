"""Caveats: how the intervals of an evaluation came about, and where they promise too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octlib.evaluation.intervals import caveat_of

FEW = 20  # patients: fewer make intervals of the bootstrap too narrow


def find_caveats(
    intervals: Mapping[str, Any],
    *,
    resampled: str,
    groups: int,
    without_patient: int,
    confidence: float,
    level: str = "scan",
) -> tuple[str, ...]:
    """Say what intervals are, and where they promise too much.

    Args:
        intervals: ``(low, high)`` or ``{class: (low, high)}`` for each metric.
        resampled: what they were bootstrapped over, ``"patient"`` or the level.
        groups: how many of these there are.
        without_patient: how many scans have no patient.
        confidence: in (0, 1).
        level: what was judged, such as ``"scan"``.

    Returns:
        Sentences.

    Example:
        >>> find_caveats({"accuracy": (0.8, 0.9)}, resampled="patient", groups=40, without_patient=0, confidence=0.95)
        ('Intervals of 95 %, bootstrapped over patients.',)
    """
    if groups == 1:
        return (f"There are no intervals: they need more than one {resampled}.",)
    said = [f"Intervals of {100 * confidence:g} %, bootstrapped over {resampled}s."]
    if resampled != "patient":
        said.append(f"Patients are unknown: where they have several {level}s, intervals are too narrow.")
    elif without_patient:
        said.append(f"A {level} without a patient counts as a patient of its own: there are {without_patient:,}.")
    if resampled == "patient" and groups < FEW:
        said.append(f"From as few as {groups} patients, intervals tend to be too narrow.")
    pairs = [pair for each in intervals.values() for pair in (each.values() if isinstance(each, dict) else [each])]
    return tuple(filter(None, [*said, caveat_of(pairs)]))
