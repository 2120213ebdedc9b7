"""Operating points: a threshold for a question such as urgent referral, chosen on some scans and judged on others."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib._checks import as_seed
from octlib.errors import LeakageWarning, UndefinedMetricWarning
from octlib.evaluation.caveats import find_caveats
from octlib.evaluation.intervals import bootstrap_intervals
from octlib.evaluation.judged import (
    Judged,
    check_positive,
    patients_of,
    require_both_sides,
    sum_positive,
    units_of,
)
from octlib.evaluation.metrics import METRICS, Interval
from octlib.evaluation.plain import as_plain_dict
from octlib.evaluation.rendering import NOTICE
from octlib.evaluation.resamples import GroupedScans, number_patients

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 0.01  # of sums of probabilities that some network rounded
METRIC_OF = {"sensitivity": "recall", "ppv": "precision"}  # in METRICS
TITLES = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "accuracy": "accuracy",
}


@dataclass(frozen=True)
class OperatingPoint:
    """From which probability on scans count as positive, for one question.

    ``Evaluation.operating_point`` chooses one. ``OperatingPoint(**saved)`` makes one again of what ``to_dict`` gave.

    Attributes:
        positive: classes that are looked for.
        negative: all others.
        threshold: a scan is positive where the sum of the probabilities of the positive classes is this or more.
        required: what was required, ``"sensitivity"`` or ``"specificity"``.
        minimum: how much of it, in (0, 1].
        sensitivity: of the scans that it was chosen on, in [0, 1]; too good to report.
        specificity: likewise.
        n_scans: how many it was chosen on.
        n_patients: of how many patients; None where unknown.
        level: what a scan is: ``"scan"``, ``"volume"``, ``"eye"`` or ``"patient"``.
    """

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    threshold: float
    required: str
    minimum: float
    sensitivity: float
    specificity: float
    n_scans: int
    n_patients: int | None
    level: str = "scan"
    _chosen_on: frozenset[str] = field(default=frozenset(), repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("positive", "negative"):  # JSON knows no tuples
            if isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a list of classes, got {getattr(self, name)!r}.")
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not 0 <= self.threshold <= 1 + len(self.positive) * TOLERANCE:
            raise ValueError(f"threshold must be a probability, got {self.threshold!r}.")

    def evaluate(self, result: Judged, *, seed: int = 0) -> OperatingResult:
        """Judge the point on scans that had no part in its choice.

        Args:
            result: the evaluation of the same classifier on other patients, at the same level.
            seed: of the bootstrap, from 0 to 2**32 - 1.

        Returns:
            Its figures, with intervals of the evaluation's confidence, bootstrapped over patients.

        Warns:
            LeakageWarning: if the point was chosen on some of these patients or scans. A point that was saved doesn't
                know any more what it was chosen on.
            UndefinedMetricWarning: if no scan is of the positive classes, or none of the others.

        Raises:
            ValueError: if the evaluation has other classes, or another level.

        Example:
            >>> from octlib.evaluation import score
            >>> truth, patients = np.arange(40) % 2, np.arange(40) // 2
            >>> sure = np.random.default_rng(0).uniform(0.2, 1, 40)
            >>> probabilities = np.where(truth[:, None] == [0, 1], sure[:, None], 1 - sure[:, None])
            >>> validation = score(truth[:20], probabilities[:20], patients[:20], ["CNV", "NORMAL"])
            >>> test = score(truth[20:], probabilities[20:], patients[20:], ["CNV", "NORMAL"])
            >>> point = validation.operating_point(["CNV"], sensitivity=0.9)
            >>> point.evaluate(test)
            CNV against the rest, from a probability of 0.4398 on: 20 scans of 10 patients
            sensitivity  0.800 [0.400, 1.000]  8 of 10
            specificity  0.500 [0.200, 0.800]  5 of 10
            PPV          0.615 [0.429, 0.833]  8 of 13
            NPV          0.714 [0.250, 1.000]  5 of 7
            accuracy     0.650 [0.400, 0.850]  13 of 20
            PPV and NPV hold where 50.0 % are positive, as here.
            Intervals of 95 %, bootstrapped over patients.
            From as few as 10 patients, intervals are rough, and some of them too narrow.
            For research, not a medical device.
        """
        as_seed(seed)
        self._require_like(result)
        positive, scores = sum_positive(result, self.positive)
        self._warn_of_known(result)
        if positive.all() or not positive.any():
            message = (
                f"{'All' if positive.all() else 'No'} {self.level}s are of {self._question}: some figures are NaN."
            )
            warnings.warn(message, UndefinedMetricWarning, stacklevel=2)
        flagged = scores >= self.threshold
        patients = patients_of(result)
        groups = number_patients(patients, np.stack([scores, positive], axis=1))
        return OperatingResult(
            point=self,
            true_positives=int((flagged & positive).sum()),
            false_positives=int((flagged & ~positive).sum()),
            true_negatives=int((~flagged & ~positive).sum()),
            false_negatives=int((~flagged & positive).sum()),
            intervals=_intervals(positive, flagged, groups, confidence=result.confidence, seed=seed),
            n_patients=result.n_patients,
            without_patient=sum(each is None for each in patients),
            confidence=result.confidence,
            resampled=result.resampled,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the point in a form that JSON can hold; it names no patient.

        Returns:
            The attributes: lists, str, int, float and None.
        """
        return as_plain_dict(
            {each.name: getattr(self, each.name) for each in fields(self) if each.name != "_chosen_on"}
        )

    def __repr__(self) -> str:
        """Show the question, the threshold and what it was chosen for."""
        of_patients = "" if self.n_patients is None or self.level == "patient" else f" of {self.n_patients:,} patients"
        return (
            f"{self._question} against the rest, from a probability of {self.threshold:.4g} on\n"
            f"chosen on {self.n_scans:,} {self.level}s{of_patients} for a {self.required} of {self.minimum:g} or more: "
            f"sensitivity {self.sensitivity:.3f}, specificity {self.specificity:.3f} there\n{NOTICE}"
        )

    @property
    def _question(self) -> str:
        return " or ".join(self.positive)

    def _require_like(self, result: Judged) -> None:
        known = {*self.positive, *self.negative}
        if set(result.class_names) != known:
            raise ValueError(
                f"The operating point is of the classes {sorted(known)}, the evaluation of "
                f"{sorted(result.class_names)}. Evaluate the classifier that it was chosen for, or choose another."
            )
        if result.level != self.level:
            raise ValueError(
                f"The operating point was chosen at level {self.level!r}, the evaluation is at level {result.level!r}, "
                f"where probabilities mean something else. Evaluate with level={self.level!r}."
            )

    def _warn_of_known(self, result: Judged) -> None:
        units = units_of(result)
        shared = units & self._chosen_on
        if shared:
            what = f"{len(shared):,} of the {len(units):,} patients or scans" if len(units) > 1 else "the scans"
            problem = f"The operating point was chosen on {what} that it is evaluated on: figures come out too high."
            warnings.warn(LeakageWarning(problem, "What chooses never reports: evaluate on others."), stacklevel=3)


@dataclass(frozen=True, eq=False, repr=False)
class OperatingResult:
    """How an operating point does on scans that had no part in its choice.

    Attributes:
        point: the operating point.
        true_positives: scans of the positive classes that count as positive.
        false_positives: scans of other classes that count as positive.
        true_negatives: scans of other classes that don't.
        false_negatives: scans of the positive classes that don't.
        intervals: ``(low, high)`` of ``sensitivity``, ``specificity``, ``ppv``, ``npv`` and ``accuracy``, by name.
        n_patients: number of patients; None where all are unknown.
        without_patient: scans whose patient is unknown.
        confidence: of the intervals, in (0, 1).
        resampled: what they were bootstrapped over, ``"patient"`` or the level.
    """

    point: OperatingPoint
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    intervals: dict[str, Interval]
    n_patients: int | None
    without_patient: int
    confidence: float
    resampled: str

    @property
    def n_scans(self) -> int:
        """The number of scans, or of what the level says."""
        return self.true_positives + self.false_positives + self.true_negatives + self.false_negatives

    @property
    def sensitivity(self) -> float:
        """The share of the positive classes' scans that count as positive, in [0, 1]; NaN where there are none."""
        return _share(*self._counts["sensitivity"])

    @property
    def specificity(self) -> float:
        """The share of the other scans that don't count as positive, in [0, 1]; NaN where there are none."""
        return _share(*self._counts["specificity"])

    @property
    def ppv(self) -> float:
        """Positive predictive value: the share of what counts as positive that is right, in [0, 1]; NaN of nothing."""
        return _share(*self._counts["ppv"])

    @property
    def npv(self) -> float:
        """Negative predictive value: the share of what counts as negative that is right, in [0, 1]; NaN of nothing."""
        return _share(*self._counts["npv"])

    @property
    def accuracy(self) -> float:
        """The share of all scans that are decided right, in [0, 1]."""
        return _share(*self._counts["accuracy"])

    @property
    def caveats(self) -> tuple[str, ...]:
        """How the intervals came about, and where they promise too much: a sentence each."""
        return find_caveats(
            [(METRIC_OF.get(name, name), getattr(self, name), interval) for name, interval in self.intervals.items()],
            resampled=self.resampled,
            groups=self.n_scans if self.n_patients is None else self.n_patients,
            without_patient=self.without_patient,
            confidence=self.confidence,
            level=self.point.level,
        )

    def to_frame(self) -> pd.DataFrame:
        """Give the figures as a table.

        Returns:
            A row for each of sensitivity, specificity, PPV, NPV and accuracy. Columns: metric, value, low, high (float,
            NaN where undefined), count and of (int), whose ratio the value is.
        """
        import pandas as pd

        rows = [(name, getattr(self, name), *self.intervals[name], *self._counts[name]) for name in TITLES]
        return pd.DataFrame(rows, columns=["metric", "value", "low", "high", "count", "of"])

    def to_dict(self) -> dict[str, Any]:
        """Give all figures in a form that JSON can hold.

        Returns:
            The figures by name, and the attributes: dicts, lists, str, int, float and None (for NaN).
        """
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "point"}
        figures = {name: getattr(self, name) for name in TITLES}
        return as_plain_dict({"point": self.point.to_dict(), **figures, **own, "n_scans": self.n_scans})

    @property
    def _counts(self) -> dict[str, tuple[int, int]]:
        """Of each figure, what it is the ratio of."""
        hits, rejections = self.true_positives, self.true_negatives
        return {
            "sensitivity": (hits, hits + self.false_negatives),
            "specificity": (rejections, rejections + self.false_positives),
            "ppv": (hits, hits + self.false_positives),
            "npv": (rejections, rejections + self.false_negatives),
            "accuracy": (hits + rejections, self.n_scans),
        }

    def __repr__(self) -> str:
        """Show the figures with their intervals and counts."""
        level, share = self.point.level, _share(self._counts["sensitivity"][1], self.n_scans)
        people = "unknown patients" if self.n_patients is None else f"{self.n_patients:,} patients"
        of_patients = "" if level == "patient" else f" of {people}"
        head = repr(self.point).splitlines()[0]
        shown = [METRICS["accuracy"].show(getattr(self, name), self.intervals[name]) for name in TITLES]
        width = max(map(len, shown))
        rows = [
            f"{title:<11}  {text:<{width}}  {self._counts[name][0]:,} of {self._counts[name][1]:,}"
            for (name, title), text in zip(TITLES.items(), shown, strict=True)
        ]
        return "\n".join(
            [
                f"{head}: {self.n_scans:,} {level}s{of_patients}",
                *rows,
                f"PPV and NPV hold where {100 * share:.1f} % are positive, as here.",
                *self.caveats,
                NOTICE,
            ]
        )


def choose_point(
    result: Judged, positive: str | Sequence[str], *, sensitivity: float | None, specificity: float | None
) -> OperatingPoint:
    """Choose a threshold: see ``Evaluation.operating_point``, whose caller the warnings point at."""
    names = check_positive(positive, result.class_names)
    required, minimum = _requirement(sensitivity, specificity)
    truth, scores = sum_positive(result, names)
    require_both_sides(truth, names, result.level)
    _warn_of_absent(result, names)
    thresholds = np.unique(scores)
    # Ratios of counts, or a requirement of 0.9 would miss a share of 1 - 0.1.
    found = (truth.sum() - _count_below(scores[truth], thresholds)) / truth.sum()
    rejected = _count_below(scores[~truth], thresholds) / (~truth).sum()
    shares = found if required == "sensitivity" else rejected
    enough = np.flatnonzero((shares >= minimum) & (found > 0) & (rejected > 0))
    if not enough.size:
        raise ValueError(_unreachable(required, minimum, shares[(found > 0) & (rejected > 0)], result.level))
    # The best that can be had of the other share: as few false alarms, or as few misses, as the requirement allows.
    chosen = enough[-1] if required == "sensitivity" else enough[0]
    return OperatingPoint(
        positive=names,
        negative=tuple(name for name in result.class_names if name not in names),
        threshold=float(thresholds[chosen]),
        required=required,
        minimum=minimum,
        sensitivity=float(found[chosen]),
        specificity=float(rejected[chosen]),
        n_scans=len(truth),
        n_patients=result.n_patients,
        level=result.level,
        _chosen_on=units_of(result),
    )


def _requirement(sensitivity: float | None, specificity: float | None) -> tuple[str, float]:
    given = {"sensitivity": sensitivity, "specificity": specificity}
    wanted = [(name, float(value)) for name, value in given.items() if value is not None]
    if len(wanted) != 1 or not 0 < wanted[0][1] <= 1:
        raise ValueError(
            "Exactly one of sensitivity and specificity must be required, above 0 and up to 1, such as "
            f"sensitivity=0.95; got sensitivity={sensitivity!r} and specificity={specificity!r}."
        )
    return wanted[0]


def _count_below(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    return np.asarray(np.searchsorted(np.sort(scores), thresholds, side="left"))


def _unreachable(required: str, minimum: float, useful: np.ndarray, level: str) -> str:
    side = f"every {level}" if required == "sensitivity" else f"no {level} of these classes"
    reached = (
        f"the most that a threshold reaches otherwise is {useful.max():.4g}" if useful.size else "none does better"
    )
    return f"A {required} of {minimum:g} takes a threshold that calls {side} positive; {reached}. Require less."


def _warn_of_absent(result: Judged, names: Sequence[str]) -> None:
    absent = [name for name in names if not (result.truth == result.class_names.index(name)).any()]
    if absent:
        message = f"No {result.level} is of class {', '.join(absent)}: the threshold is chosen without any."
        warnings.warn(message, UndefinedMetricWarning, stacklevel=4)


def _intervals(
    positive: np.ndarray, flagged: np.ndarray, groups: np.ndarray, *, confidence: float, seed: int
) -> dict[str, Interval]:
    if not groups.max():  # one patient alone
        return dict.fromkeys(TITLES, (np.nan, np.nan))
    # As scans of two classes, whose recall and precision have other names here.
    scans = GroupedScans(positive.astype(np.int64), np.eye(2)[flagged.astype(int)], groups)
    names = ("recall", "precision", "accuracy")
    limits = bootstrap_intervals(scans, confidence=confidence, rng=np.random.default_rng(seed), names=names)
    chosen = {
        "sensitivity": limits["recall"][1],
        "specificity": limits["recall"][0],
        "ppv": limits["precision"][1],
        "npv": limits["precision"][0],
        "accuracy": limits["accuracy"],
    }
    return {name: (float(low), float(high)) for name, (low, high) in chosen.items()}


def _share(count: int, of: int) -> float:
    return count / of if of else np.nan
