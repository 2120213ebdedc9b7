"""Result: the evaluation object, numbers first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib.evaluation.caveats import find_caveats, list_figures
from octlib.evaluation.decision_curve import DecisionCurve, trace_decisions
from octlib.evaluation.figures import lock, measure_figures
from octlib.evaluation.groups import GroupedEvaluation, find_groups, warn_of_groups
from octlib.evaluation.judged import patients_of
from octlib.evaluation.levels import columns_of_level, describe_level
from octlib.evaluation.metrics import METRICS
from octlib.evaluation.operating_points import OperatingPoint, choose_point
from octlib.evaluation.plain import as_plain_dict
from octlib.evaluation.plots.confusion_matrix import draw_confusion_matrix
from octlib.evaluation.plots.curves import draw_precision_recall, draw_roc
from octlib.evaluation.plots.reliability import draw_reliability
from octlib.evaluation.prediction import FAMILIARITY_COLUMNS, tabulate_predictions
from octlib.evaluation.prevalence import check_prevalence, tabulate_prevalence
from octlib.evaluation.rendering import Row, render_html, render_text
from octlib.evaluation.resamples import GroupedScans, number_patients

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """How well predictions agree with the truth, each metric with its interval.

    Every metric of ``octlib.evaluation.METRICS`` is an attribute. Floats are ``accuracy``, ``balanced_accuracy``,
    ``macro_f1``, ``weighted_f1``, ``macro_auroc``, ``macro_average_precision``, ``cohen_kappa``, ``quadratic_kappa``,
    ``mcc``, ``brier`` and ``ece``. Floats by the name of the class, each against the rest, are ``f1``, ``recall``
    (sensitivity), ``specificity``, ``precision`` (PPV), ``npv``, ``auroc`` and ``average_precision``. They lie in
    [0, 1], but for the kappas and MCC, in [-1, 1], and the Brier score, a sum over the classes in [0, 2] (Brier,
    Monthly Weather Review 78, 1950). Less is better of the Brier score and of ECE, in 15 equal bins of the confidence
    of the predicted class (Guo et al., On Calibration of Modern Neural Networks, 2017, eq. 3). Quadratic kappa counts a
    confusion by the squared distance of the classes in the order of ``class_names``: it says something only where that
    order is one, such as of severity.

    A metric that is undefined is NaN, and so are the ends of its interval. Undefined are: F1, sensitivity, AUROC and
    average precision of a class that no scan has, the PPV of a class that is never predicted, specificity and AUROC of
    a class that every scan has, the NPV of a class that is always predicted, and kappas, MCC and macro AUROC where all
    scans are of one class. A class that scans have and that is never predicted has an F1 of 0. Balanced accuracy and
    what is called macro are means over the classes that scans have.

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
        seed: of the bootstrap.
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
    seed: int = 0

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
            list_figures(self.metrics, self.intervals),
            resampled=self.resampled,
            groups=self.n_scans if self.n_patients is None else self.n_patients,
            without_patient=int(self.scans["patient"].isna().sum()) if known else self.n_scans,
            confidence=self.confidence,
            level=self.level,
            rarest=self._rarest_class() if known else None,
        )

    def _rarest_class(self) -> tuple[str, int]:
        """Find the class that the fewest patients have, of those that any has, and how many have it."""
        groups = number_patients(patients_of(self), self.truth[:, None])
        patients = [len(np.unique(groups[self.truth == each])) for each in range(len(self.class_names))]
        return min(zip(self.class_names, patients, strict=True), key=lambda pair: pair[1] or np.inf)

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

    def by(self, column: str) -> GroupedEvaluation:
        """Evaluate the scans with each value of a column by themselves, such as those of each device.

        Args:
            column: of ``scans``. Each value is a group, numbers too; scans without one are a group of their own.

        Returns:
            An evaluation for each group, with confidence and seed of this one. Positions of errors are those in the
            group's ``scans``; ``strongest`` has those in the dataset.

        Warns:
            UndefinedMetricWarning: once for all groups that lack a class which others have; once for all that are of
                one patient alone.

        Raises:
            ValueError: if there is no such column.

        Example:
            >>> from octlib.evaluation import score
            >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]] * 2)
            >>> result = score([0, 1, 0, 1] * 2, probabilities, list("aabbccdd"), ["CNV", "NORMAL"])
            >>> result.scans["device"] = ["Cirrus", "Cirrus", "Spectralis", "Spectralis"] * 2
            >>> result.by("device").evaluations["Cirrus"].accuracy
            1.0
        """
        evaluations = {name: self._subset(rows) for name, rows in find_groups(self.scans, column).items()}
        support = self.confusion_matrix.sum(axis=1)
        absent = [name for name, count in zip(self.class_names, support, strict=True) if not count]
        warn_of_groups(column, evaluations, absent, stacklevel=2)
        return GroupedEvaluation(column, evaluations)

    def at_prevalence(self, prevalence: Mapping[str, float]) -> pd.DataFrame:
        """Say what predictions are worth where a class is as frequent as given, not as among these scans.

        PPV and NPV come from sensitivity and specificity by Bayes' theorem, each class against the rest. That supposes
        that both are there what they are here: that the disease is as severe, and the rest made up of the same.

        Args:
            prevalence: the share of each class, in (0, 1), for one class or more.

        Returns:
            A row for each class. Columns: class, prevalence, ppv, ppv_low, ppv_high, npv, npv_low and npv_high, float,
            NaN where undefined. Intervals come from the resamples of this evaluation. Where sensitivity or specificity
            is exactly 0 or 1, which it then is in every resample, their ends are those for both low ends, and for both
            high ends, of the two: never too narrow, and often too wide.

        Raises:
            TypeError: if ``prevalence`` is no mapping.
            ValueError: if it is empty, names a class that there isn't, or a share doesn't lie between 0 and 1.

        Example:
            >>> from octlib.evaluation import score
            >>> truth = np.arange(100) % 2
            >>> predicted = np.where(np.arange(100) < 10, 1 - truth, truth)
            >>> result = score(truth, np.eye(2)[predicted], np.arange(100), ["CNV", "NORMAL"])
            >>> result.precision["CNV"]
            0.9
            >>> result.at_prevalence({"CNV": 0.02})[["ppv", "npv"]].round(3).iloc[0].tolist()
            [0.155, 0.998]
        """
        check_prevalence(prevalence, self.class_names)
        scans = GroupedScans.of_patients(self.truth, self.probabilities.astype(float), patients_of(self))
        return tabulate_prevalence(scans, self.class_names, prevalence, confidence=self.confidence, seed=self.seed)

    def to_dict(self) -> dict[str, Any]:
        """Give all metrics in a form that JSON can hold.

        Returns:
            The metrics by name, their intervals, and the attributes but probabilities, truth, scans and strongest:
            plain dicts, lists, str, int, float and None (for NaN).
        """
        counted = ("class_names", "n_scans", "n_patients")
        names = ("intervals", *counted, "confidence", "resampled", "seed", "level", "aggregation")
        return {
            **as_plain_dict(self.metrics),
            **as_plain_dict({name: getattr(self, name) for name in names}),
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

    def plot_roc(self, *, ax: Axes | None = None) -> Axes:
        """Draw the ROC curve of each class against the rest.

        Args:
            ax: where to draw; None makes a new figure.

        Returns:
            The axes, with AUROCs and their intervals in the legend.
        """
        auroc, intervals = METRICS["auroc"], self.intervals["auroc"]
        labels = {name: auroc.show(value, intervals[name]) for name, value in self.auroc.items()}
        return draw_roc(self.truth, self.probabilities, labels, ax=ax)

    def plot_precision_recall(self, *, ax: Axes | None = None) -> Axes:
        """Draw precision over sensitivity for each class against the rest.

        Args:
            ax: where to draw; None makes a new figure.

        Returns:
            The axes, with average precisions in the legend, and beside each that of a guess: the share of the class.
        """
        average, intervals = METRICS["average_precision"], self.intervals["average_precision"]
        labels = {name: average.show(value, intervals[name]) for name, value in self.average_precision.items()}
        return draw_precision_recall(self.truth, self.probabilities, labels, ax=ax)

    def plot_reliability(self, *, ax: Axes | None = None) -> Axes:
        """Draw how often predictions are right over their confidence, the probability of the predicted class.

        Args:
            ax: where to draw; None makes a new figure.

        Returns:
            The axes, with 15 bins of equal width; below, in an inset, how many predictions each bin holds.
        """
        return draw_reliability(self.truth, self.probabilities, level=self.level, ax=ax)

    def operating_point(
        self, positive: str | Sequence[str], *, sensitivity: float | None = None, specificity: float | None = None
    ) -> OperatingPoint:
        """Choose from which probability on scans count as positive, for a question such as urgent referral.

        The score is the sum of the probabilities of the positive classes. Choose on validation scans, and judge the
        point on others with its ``evaluate``.

        Args:
            positive: the class that is looked for, or several.
            sensitivity: to reach at least, in (0, 1]: the highest threshold that does, which calls the fewest others
                positive.
            specificity: to reach at least instead: the lowest threshold that does, which misses the fewest.

        Returns:
            The point. Scans with equal scores are always on one side, so that it may reach more than was required.

        Warns:
            UndefinedMetricWarning: if no scan is of one of the positive classes.

        Raises:
            ValueError: if not exactly one of both is required, a class isn't there, all scans are of the positive
                classes or none is, or only a threshold that calls every scan positive, or no positive one, does what is
                required.

        Example:
            >>> from octlib.evaluation import score
            >>> p = np.array([0.9, 0.6, 0.3, 0.4, 0.2, 0.1])
            >>> result = score([0, 0, 0, 1, 1, 1], np.stack([p, 1 - p], axis=1), list("abcdef"), ["CNV", "NORMAL"])
            >>> result.operating_point(["CNV"], sensitivity=0.6).threshold
            0.6
            >>> result.operating_point(["CNV"], sensitivity=0.9)
            CNV against the rest, from a probability of 0.3 on
            chosen on 6 scans of 6 patients for a sensitivity of 0.9 or more: sensitivity 1.000, specificity 0.667 there
            For research, not a medical device.
        """
        return choose_point(self, positive, sensitivity=sensitivity, specificity=specificity)

    def decision_curve(self, positive: str | Sequence[str]) -> DecisionCurve:
        """Compute the net benefit of acting on the classifier, over the probability from which one would act.

        Args:
            positive: the class that is looked for, or several; probabilities are summed.

        Returns:
            The curve. It takes probabilities at their word, so look at ``plot_reliability`` too.

        Raises:
            ValueError: if a class isn't there, or all scans are of the positive classes or none is.
        """
        return trace_decisions(self, positive)

    def _subset(self, rows: np.ndarray) -> Evaluation:
        truth, probabilities = self.truth[rows], self.probabilities[rows]
        figures = measure_figures(
            truth,
            probabilities.astype(float),
            patients_of(self)[rows],
            self.class_names,
            confidence=self.confidence,
            seed=self.seed,
            level=self.level,
        )
        return replace(
            self,
            **figures._asdict(),
            truth=lock(truth),
            probabilities=lock(probabilities),
            scans=self.scans.iloc[rows].reset_index(drop=True),
            strongest=lock(self.strongest[rows]),
        )

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
        return render_text(self._summary(), self._rows(), resampled=self.resampled)

    def _repr_html_(self) -> str:
        return render_html(self._summary(), self._rows(), resampled=self.resampled, level=self.level)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
