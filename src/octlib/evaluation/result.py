"""Result: the evaluation object, numbers first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib.evaluation import plots, tables
from octlib.evaluation.figures import CLASS_FIGURES, FIGURES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """How well predictions agree with the truth, each figure with its interval.

    All figures lie in [0, 1]; one that is undefined is NaN, and so are the ends of its interval. Undefined are: F1,
    recall and AUROC of a class that no scan has, the precision of a class that is never predicted, and the AUROC of a
    class that every scan has.

    Attributes:
        accuracy: share of scans whose most probable class is the right one.
        balanced_accuracy: mean recall of the classes that scans have.
        macro_f1: mean F1 of the classes that scans have.
        f1: for each class, the harmonic mean of precision and recall; 0 for a class that is never predicted.
        precision: for each class, the share of its predictions that are right (positive predictive value).
        recall: for each class, the share of its scans that are found (sensitivity).
        auroc: for each class against the rest, the area under the ROC curve of its probability.
        confusion_matrix: int64 (classes, classes), read-only; rows are the truth, columns the predictions.
        class_names: names of the classes, in the order of the confusion matrix.
        n_scans: number of scans.
        n_patients: number of patients, or None where a scan's patient is unknown.
        confidence: share of repetitions in which an interval should hold the true figure, in (0, 1).
        resampled: what the intervals were bootstrapped over, ``"patient"`` or ``"scan"``.
        intervals: for each figure above, under its name, ``(low, high)``; for the figures of classes
            ``{class: (low, high)}``.
        probabilities: float (n_scans, classes) in [0, 1], read-only: what was evaluated, in the order of the scans.
        truth: int64 (n_scans,), read-only: for each scan the index of its class in ``class_names``.
    """

    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    f1: dict[str, float]
    precision: dict[str, float]
    recall: dict[str, float]
    auroc: dict[str, float]
    confusion_matrix: np.ndarray
    class_names: tuple[str, ...]
    n_scans: int
    n_patients: int | None
    confidence: float
    resampled: str
    intervals: dict[str, Any]
    probabilities: np.ndarray
    truth: np.ndarray

    def errors(self, n: int | None = None) -> np.ndarray:
        """Find the scans that were taken for another class, the most confident errors first.

        Args:
            n: how many at most; None is all of them.

        Returns:
            int64 (errors,): their positions, for ``scans.subset``; equal ones in the order of the scans.

        Raises:
            ValueError: if ``n`` is negative.

        Example:
            >>> from octlib.evaluation import score
            >>> probabilities = [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]]
            >>> score([0, 0, 0, 1], np.array(probabilities), ["p1", "p2", "p3", "p4"], ["CNV", "NORMAL"]).errors()
            array([1, 3, 2])
        """
        if n is not None and n < 0:  # a slice would take it for "all but the last"
            raise ValueError(f"n must be 0 or more, or None for all errors; got {n}.")
        wrong = np.flatnonzero(self.probabilities.argmax(axis=1) != self.truth)
        confidence = self.probabilities[wrong].max(axis=1)
        return wrong[np.argsort(-confidence, kind="stable")][:n]

    def to_frame(self) -> pd.DataFrame:
        """Give the figures as a table.

        Returns:
            One row for each figure of the whole (``class`` is empty), then one for each figure and class. Columns:
            figure, class, value, low, high (float, NaN where undefined) and support (int, the scans that are of the
            class).
        """
        import pandas as pd

        return pd.DataFrame(tables.rows(self), columns=["figure", "class", "value", "low", "high", "support"])

    def to_dict(self) -> dict[str, Any]:
        """Give all figures in a form that JSON can hold.

        Returns:
            The attributes by name, without probabilities and truth: plain dicts, lists, str, int, float and None (for
            NaN).
        """
        names = [
            *FIGURES,
            *CLASS_FIGURES,
            "intervals",
            "class_names",
            "n_scans",
            "n_patients",
            "confidence",
            "resampled",
        ]
        return {
            **{name: _plain(getattr(self, name)) for name in names},
            "confusion_matrix": self.confusion_matrix.tolist(),
        }

    def plot_confusion_matrix(self, *, ax: Axes | None = None) -> Axes:
        """Draw the confusion matrix: counts, and each count's share of its row.

        Args:
            ax: where to draw; None makes a new figure.

        Returns:
            The axes, with accuracy and its interval as title.
        """
        return plots.draw_confusion_matrix(self, ax)

    def __repr__(self) -> str:
        """Show accuracy and F1 with their intervals as a table of text."""
        return tables.text(self)

    def _repr_html_(self) -> str:
        return tables.html(self)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
