"""Decision curve: whether acting on a classifier does more good than acting on everybody or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from octlib.evaluation.judged import Judged, check_positive, require_both_sides, sum_positive
from octlib.evaluation.plots.decision import draw_decision_curve

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

THRESHOLDS = np.arange(1, 100) / 100


@dataclass(frozen=True, eq=False, repr=False)
class DecisionCurve:
    """Net benefit over the threshold probability, for one question.

    At a threshold of 0.1, who acts holds one scan found for worth nine false alarms. The net benefit is the share of
    scans that are found, less the share of false alarms at that rate: true positives / n - false positives / n *
    threshold / (1 - threshold) (Vickers & Elkin, Decision curve analysis, Medical Decision Making 26, 2006).

    Attributes:
        positive: classes that are looked for.
        thresholds: float64 (99,), read-only: 0.01 to 0.99.
        net_benefit: float64 (99,), read-only: of the classifier; 1 is the most, there is no least.
        treat_all: float64 (99,), read-only: of calling every scan positive. That of calling none positive is 0.
        prevalence: share of scans of the positive classes, in (0, 1).
        n_scans: number of scans.
        level: what a scan is.
    """

    positive: tuple[str, ...]
    thresholds: np.ndarray
    net_benefit: np.ndarray
    treat_all: np.ndarray
    prevalence: float
    n_scans: int
    level: str

    def to_frame(self) -> pd.DataFrame:
        """Give the curve as a table.

        Returns:
            A row for each threshold. Columns: threshold, net_benefit, treat_all, treat_none (float).
        """
        import pandas as pd

        columns = {"threshold": self.thresholds, "net_benefit": self.net_benefit, "treat_all": self.treat_all}
        return pd.DataFrame(columns).assign(treat_none=0.0)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the curve, with those of calling every scan positive and none.

        Args:
            ax: where to draw; None makes a new figure.

        Returns:
            The axes.
        """
        title = f"{' or '.join(self.positive)} against the rest"
        return draw_decision_curve(self.thresholds, self.net_benefit, self.treat_all, title=title, ax=ax)

    def __repr__(self) -> str:
        """Say where the classifier does more good than calling all or none positive."""
        better = self.net_benefit - np.maximum(self.treat_all, 0) > 1e-12  # which rounding doesn't reach
        return (
            f"DecisionCurve of {' or '.join(self.positive)} against the rest, {self.n_scans:,} {self.level}s, "
            f"{100 * self.prevalence:.1f} % positive: better than calling all or none positive at {better.sum()} of "
            f"{len(better)} thresholds from {self.thresholds[0]:g} to {self.thresholds[-1]:g}"
        )


def trace_decisions(result: Judged, positive: str | Sequence[str]) -> DecisionCurve:
    """Compute a decision curve: see ``Evaluation.decision_curve``."""
    names = check_positive(positive, result.class_names)
    truth, scores = sum_positive(result, names)
    require_both_sides(truth, names, result.level)
    odds = THRESHOLDS / (1 - THRESHOLDS)
    # At or above a threshold counts as positive, as for operating points.
    true, false = (len(side) - np.searchsorted(np.sort(side), THRESHOLDS) for side in (scores[truth], scores[~truth]))
    prevalence = float(truth.mean())
    return DecisionCurve(
        positive=names,
        thresholds=_lock(THRESHOLDS.copy()),
        net_benefit=_lock(true / len(truth) - false / len(truth) * odds),
        treat_all=_lock(prevalence - (1 - prevalence) * odds),
        prevalence=prevalence,
        n_scans=len(truth),
        level=result.level,
    )


def _lock(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
