"""Result: the evaluation object, numbers first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib.evaluation.caveats import find_caveats
from octlib.evaluation.levels import columns_of_level, describe_level
from octlib.evaluation.metrics import METRICS
from octlib.evaluation.plots import draw_confusion_matrix
from octlib.evaluation.prediction import FAMILIARITY_COLUMNS, tabulate_predictions
from octlib.evaluation.rendering import Row, render_html, render_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """How well predictions agree with the truth, each metric with its interval.

    Every metric of ``octlib.evaluation.METRICS`` is an attribute: ``accuracy``, ``balanced_accuracy`` and ``macro_f1``
    are floats; ``f1``, ``precision``, ``recall`` (sensitivity) and ``auroc`` (each class against the rest) are floats
    by the name of the class. They lie in [0, 1]; one that is undefined is NaN, and so are the ends of its interval.
    Undefined are: F1, recall and AUROC of a class that no scan has, the precision of a class that is never predicted,
    and the AUROC of a class that every scan has. A class that scans have and that is never predicted has an F1 of 0.
    Balanced accuracy and macro F1 are means over the classes that scans have.

    Attributes:
        metrics: the value of each metric by its name: a float or ``{class: float}``.
        intervals: for each metric, under its name, ``(low, high)`` or ``{class: (low, high)}``.
        confusion_matrix: int64 (classes, classes), read-only; rows are the truth, columns the predictions.
        class_names: names of the classes, in the order of the confusion matrix.
        n_patients: number of patients, a scan without one counting for itself; None where all are unknown.
        confidence: share of repetitions in which an interval should hold the true value, in (0, 1).
        resampled: what the intervals were bootstrapped over, ``"patient"`` or, where they are unknown, the level.
        probabilities: float (n_scans, classes) in [0, 1], read-only: what was evaluated, in the order of the scans.
        truth: int64 (n_scans,), read-only: for each scan the index of its class in ``class_names``.
        scans: a table with a row for each scan: its label, and name, patient and the dataset's further columns as far
            as they are known.
        level: what a scan is in all of this: ``"scan"``, or the ``"volume"``, ``"eye"`` or ``"patient"`` that the scans
            were gathered to.
        strongest: int64 (n_scans,), read-only: the position in the dataset of the scan to look at. Of a volume, eye or
            patient it is the one with the highest probability of the class that was predicted for the whole.
    """

    metrics: dict[str, Any]
    intervals: dict[str, Any]
    confusion_matrix: np.ndarray
    class_names: tuple[str, ...]
    n_patients: int | None
    confidence: float
    resampled: str
    probabilities: np.ndarray
    truth: np.ndarray
    scans: pd.DataFrame
    strongest: np.ndarray
    level: str = "scan"

    def __getattr__(self, name: str) -> Any:
        """Give a metric by its name."""
        metrics = self.__dict__.get("metrics", {})
        if name not in metrics:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return metrics[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.metrics]

    @property
    def n_scans(self) -> int:
        """The number of scans, or of what the level says."""
        return len(self.truth)

    @property
    def aggregation(self) -> str:
        """How the probabilities came about, such as "mean probability over the scans of each eye"."""
        return describe_level(self.level)

    @property
    def caveats(self) -> tuple[str, ...]:
        """How the intervals came about, and where they promise too much: a sentence each, for pages and cards."""
        known = self.n_patients is not None
        return find_caveats(
            self.intervals,
            resampled=self.resampled,
            groups=self.n_scans if self.n_patients is None else self.n_patients,
            without_patient=int(self.scans["patient"].isna().sum()) if known else self.n_scans,
            confidence=self.confidence,
            level=self.level,
        )

    def errors(self, n: int | None = None) -> np.ndarray:
        """Find the scans that were taken for another class, the most confident errors first.

        Args:
            n: how many at most; None is all of them.

        Returns:
            int64 (errors,): their positions, for ``scans.subset``; equal ones in the order of the scans. At
            another level, of the rows of ``self.scans``: ``scans.subset(self.strongest[errors])`` are the scans to
            look at.

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

    def predictions(self) -> pd.DataFrame:
        """Give what was predicted.

        Returns:
            A row for each scan, in their order: what ``octlib.predict`` gives, as far as it is known, and before
            ``predicted`` the column ``label``, the true class.
        """
        columns = (*columns_of_level(self.level), *FAMILIARITY_COLUMNS)
        known = [name for name in columns if name in self.scans]
        scans = self.scans[known].assign(label=np.array(self.class_names, dtype=object)[self.truth])
        return tabulate_predictions(scans, self.probabilities, self.class_names)

    def to_frame(self) -> pd.DataFrame:
        """Give the metrics as a table.

        Returns:
            One row for each metric of the whole (``class`` is empty), then one for each metric and class. Columns:
            metric, class, value, low, high (float, NaN where undefined) and support (int, the scans that are of the
            class).
        """
        import pandas as pd

        rows = [(row.metric, row.class_name, row.value, *row.interval, row.support) for row in self._rows()]
        return pd.DataFrame(rows, columns=["metric", "class", "value", "low", "high", "support"])

    def to_dict(self) -> dict[str, Any]:
        """Give all metrics in a form that JSON can hold.

        Returns:
            The metrics by name, their intervals, and the attributes but probabilities, truth, scans and strongest:
            plain dicts, lists, str, int, float and None (for NaN).
        """
        names = ("intervals", "class_names", "n_scans", "n_patients", "confidence", "resampled", "level", "aggregation")
        return {
            **_as_plain(self.metrics),
            **{name: _as_plain(getattr(self, name)) for name in names},
            "confusion_matrix": self.confusion_matrix.tolist(),
        }

    def plot_confusion_matrix(self, *, ax: Axes | None = None) -> Axes:
        """Draw the confusion matrix: counts, and each count's share of its row.

        Args:
            ax: where to draw; None makes a new figure.

        Returns:
            The axes, with accuracy and its interval as title.
        """
        title = f"accuracy {METRICS['accuracy'].show(self.accuracy, self.intervals['accuracy'])}"
        return draw_confusion_matrix(self.confusion_matrix, self.class_names, title=title, ax=ax)

    def _rows(self) -> list[Row]:
        support = dict(zip(self.class_names, self.confusion_matrix.sum(axis=1).tolist(), strict=True))
        rows = []
        for name, value in self.metrics.items():
            whole = not METRICS[name].by_class
            values, intervals = ({"": each} if whole else each for each in (value, self.intervals[name]))
            rows += [Row(name, each, values[each], intervals[each], support.get(each, self.n_scans)) for each in values]
        return sorted(rows, key=lambda row: METRICS[row.metric].by_class)

    def _summary(self) -> str:
        intervals = f"{100 * self.confidence:g} % intervals over {self.resampled}s"
        return f"{_count(self.n_scans, self.level)}{self._gathered()}{self._of_patients()}; {intervals}"

    def _of_patients(self) -> str:
        if self.level == "patient":
            return ""
        return f" of {'unknown patients' if self.n_patients is None else _count(self.n_patients, 'patient')}"

    def _gathered(self) -> str:
        return "" if self.level == "scan" else f" ({self.aggregation})"

    def __repr__(self) -> str:
        """Show accuracy and F1 with their intervals as a table of text."""
        return render_text(self._summary(), self._rows())

    def _repr_html_(self) -> str:
        return render_html(self._summary(), self._rows(), level=self.level)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _as_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_as_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
