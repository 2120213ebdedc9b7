"""Caveats: how the intervals of an evaluation came about, and where they promise too much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from octlib.evaluation.metrics import METRICS, Interval

FEW = 20  # patients, in all or with a class: of fewer, intervals of the bootstrap may be too narrow


Figure = tuple[str, float, Interval]  # the name of a metric, its value and its interval


def find_caveats(
    figures: Iterable[Figure],
    *,
    resampled: str,
    groups: int,
    without_patient: int,
    confidence: float,
    level: str = "scan",
    rarest: tuple[str, int] | None = None,
) -> tuple[str, ...]:
    """Say what intervals are, and where they promise too much.

    Args:
        figures: metric, value and interval of each; the value NaN where it is a difference of two.
        resampled: what they were bootstrapped over, ``"patient"`` or the level.
        groups: how many of these there are.
        without_patient: how many scans have no patient.
        confidence: in (0, 1).
        level: what was judged, such as ``"scan"``.
        rarest: the class that the fewest patients have, and how many have it; ``None`` where classes don't matter.

    Returns:
        Sentences.

    Example:
        >>> how = {"resampled": "patient", "groups": 40, "without_patient": 0, "confidence": 0.95}
        >>> find_caveats([("accuracy", 0.85, (0.8, 0.9))], **how)
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
        said.append(f"From as few as {groups} patients, intervals are rough, and some of them too narrow.")
    elif resampled == "patient" and rarest is not None and rarest[1] < FEW:
        said.append(
            f"Only {rarest[1]} of the patients {'has' if rarest[1] == 1 else 'have'} {rarest[0]}: what is about that "
            "class has rough intervals, and that of its AUROC tends to be too narrow."
        )
    return (*said, *find_exact(figures, resampled))


def find_exact(figures: Iterable[Figure], resampled: str) -> list[str]:
    """Say how shares of exactly 0 or 1 got their intervals, and what intervals without width leave unsaid.

    Args:
        figures: metric, value and interval of each.
        resampled: what intervals were bootstrapped over.

    Returns:
        Sentences; none where there is nothing to say.

    Example:
        >>> find_exact([("accuracy", 1.0, (0.9, 1.0)), ("macro_f1", 1.0, (1.0, 1.0))], "patient")
        ["Shares of exactly 0 or 1 have Clopper-Pearson's interval for the effective number of patients.",
         "An interval without width is no certainty: the bootstrap can't draw what was never seen."]
    """
    figures = list(figures)
    said = []
    if any(value in (0, 1) and low < high and METRICS[name].out_of is not None for name, value, (low, high) in figures):
        said.append(
            f"Shares of exactly 0 or 1 have Clopper-Pearson's interval for the effective number of {resampled}s."
        )
    if any(low == high for _, _, (low, high) in figures):
        said.append("An interval without width is no certainty: the bootstrap can't draw what was never seen.")
    return said


def list_figures(metrics: Mapping[str, Any], intervals: Mapping[str, Any]) -> list[Figure]:
    """List values with their intervals.

    Args:
        metrics: a value or ``{class: value}`` for each metric.
        intervals: ``(low, high)`` or ``{class: (low, high)}`` for each metric.

    Returns:
        Metric, value and interval of each, in their order.
    """
    figures: list[Figure] = []
    for name, value in metrics.items():
        by_class = value if isinstance(value, dict) else {"": value}
        limits = intervals[name] if isinstance(value, dict) else {"": intervals[name]}
        figures += [(name, by_class[each], limits[each]) for each in by_class]
    return figures
