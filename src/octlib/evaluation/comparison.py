"""Comparison: the differences of classifiers on the same scans, numbers first."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from octlib.evaluation.caveats import find_caveats, list_figures
from octlib.evaluation.metrics import METRICS, Interval
from octlib.evaluation.plain import as_plain_dict
from octlib.evaluation.plots.differences import draw_differences
from octlib.evaluation.rendering import NOTICE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class PairedTest:
    """A test of two classifiers on the same scans, which holds where scans of one patient depend on one another.

    Attributes:
        statistic: chi-squared with one degree of freedom (McNemar), or z (DeLong).
        p: two-sided, in [0, 1]; NaN where there is no test.
        p_holm: the same, corrected by Holm over all tests of this kind in the comparison.
    """

    statistic: float
    p: float
    p_holm: float


@dataclass(frozen=True, eq=False)
class Pair:
    """Two classifiers of a comparison. Differences are those of the first minus the second.

    Attributes:
        first: name of a classifier.
        second: name of another one.
        differences: for each of ``octlib.evaluation.METRICS``, by name, a float or ``{class: float}``.
        intervals: likewise ``(low, high)`` or ``{class: (low, high)}``.
        only_first: scans that only the first gets right.
        only_second: scans that only the second gets right.
        mcnemar: the test of the accuracies.
        delong: for each class the test of the AUROCs.
    """

    first: str
    second: str
    differences: dict[str, Any]
    intervals: dict[str, Any]
    only_first: int
    only_second: int
    mcnemar: PairedTest
    delong: dict[str, PairedTest]

    @property
    def name(self) -> str:
        """How the pair is called in tables and plots."""
        return f"{self.first} - {self.second}"

    def test_of(self, metric: str, class_name: str) -> PairedTest | None:
        """Give the test of a metric: McNemar's of the accuracy, DeLong's of an AUROC, none of others."""
        if metric == "accuracy":
            return self.mcnemar
        return self.delong[class_name] if metric == "auroc" else None


class _Row(NamedTuple):
    metric: str
    class_name: str
    values: tuple[float, float]
    difference: float
    interval: Interval
    test: PairedTest | None

    @property
    def title(self) -> str:
        return f"{METRICS[self.metric].title} {self.class_name}".strip()

    @property
    def in_short(self) -> bool:
        return METRICS[self.metric].in_text or self.test is not None


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """How classifiers differ on the same scans, each difference with its interval, and tests over patients.

    Attributes:
        names: of the classifiers.
        pairs: each two of them, by their names: ``comparison.pairs["a", "b"]``.
        metrics: for each classifier the values of ``octlib.evaluation.METRICS``, as of ``Evaluation``.
        class_names: names of the classes.
        n_scans: number of scans, or of what the level says.
        n_patients: number of patients; None where all are unknown.
        without_patient: scans whose patient is unknown.
        confidence: of the intervals, in (0, 1).
        resampled: what they were bootstrapped over, ``"patient"`` or, where they are unknown, the level.
        level: what a scan is: ``"scan"``, ``"volume"``, ``"eye"`` or ``"patient"``.
    """

    names: tuple[str, ...]
    pairs: dict[tuple[str, str], Pair]
    metrics: dict[str, dict[str, Any]]
    class_names: tuple[str, ...]
    n_scans: int
    n_patients: int | None
    without_patient: int
    confidence: float
    resampled: str
    level: str

    @property
    def caveats(self) -> tuple[str, ...]:
        """How the intervals came about, and where they promise too much: a sentence each."""
        found = [
            find_caveats(
                [(name, math.nan, interval) for name, _, interval in list_figures(pair.differences, pair.intervals)],
                resampled=self.resampled,
                groups=self.n_scans if self.n_patients is None else self.n_patients,
                without_patient=self.without_patient,
                confidence=self.confidence,
                level=self.level,
            )
            for pair in self.pairs.values()
        ]
        return tuple(dict.fromkeys(sentence for each in found for sentence in each))

    @property
    def families(self) -> str:
        """Which tests there are, and over how many of them the p values are corrected."""
        classes = self.class_names[:1] if len(self.class_names) == 2 else self.class_names  # two have one test
        aurocs = sum(not np.isnan(pair.delong[name].p) for pair in self.pairs.values() for name in classes)
        return (
            f"p: accuracy by McNemar's test, AUROCs by DeLong's, over {self.resampled}s, corrected by Holm "
            f"({len(self.pairs)} and {aurocs} tests)."
        )

    def to_frame(self) -> pd.DataFrame:
        """Give the differences as a table.

        Returns:
            A row for each pair, metric and class. Columns: first, second (names), metric, class (empty for the whole),
            first_value, second_value, difference, low, high, statistic, p, p_holm (float, NaN where undefined or, of
            the last three, where there is no test).
        """
        import pandas as pd

        none = PairedTest(np.nan, np.nan, np.nan)
        rows = [
            (pair.first, pair.second, row.metric, row.class_name, *row.values, row.difference, *row.interval, *test)
            for pair in self.pairs.values()
            for row in self._rows(pair)
            for test in [astuple(row.test or none)]
        ]
        values = ["first_value", "second_value", "difference", "low", "high", "statistic", "p", "p_holm"]
        return pd.DataFrame(rows, columns=["first", "second", "metric", "class", *values])

    def to_dict(self) -> dict[str, Any]:
        """Give all figures in a form that JSON can hold.

        Returns:
            The attributes, ``pairs`` as a list: dicts, lists, str, int, float and None (for NaN).
        """
        return as_plain_dict({**vars(self), "pairs": [asdict(pair) for pair in self.pairs.values()]})

    def plot_differences(self, *, ax: Axes | None = None) -> Axes:
        """Draw the differences with their intervals: a row for each metric and class, a colour for each pair.

        Args:
            ax: where to draw; None makes a new figure.

        Returns:
            The axes.
        """
        rows = {pair.name: [row for row in self._rows(pair) if row.in_short] for pair in self.pairs.values()}
        drawn = {
            name: (np.array([row.difference for row in each]), np.array([row.interval for row in each]))
            for name, each in rows.items()
        }
        return draw_differences([row.title for row in next(iter(rows.values()))], drawn, ax=ax)

    def _rows(self, pair: Pair) -> Iterator[_Row]:
        for metric in sorted(METRICS.values(), key=lambda metric: metric.by_class):
            for name in self.class_names if metric.by_class else ("",):
                holders = (self.metrics[pair.first], self.metrics[pair.second], pair.differences, pair.intervals)
                one, other, difference, interval = (
                    each[metric.name][name] if metric.by_class else each[metric.name] for each in holders
                )
                yield _Row(metric.name, name, (one, other), difference, interval, pair.test_of(metric.name, name))

    def _cells(self, pair: Pair) -> list[tuple[str, ...]]:
        rows = [row for row in self._rows(pair) if row.in_short]
        head = ("", pair.first, pair.second, pair.name, "p")
        return [head, *((row.title, *map(_number, row.values), _with_interval(row), _show_p(row)) for row in rows)]

    def _summary(self) -> str:
        people = "unknown patients" if self.n_patients is None else f"{self.n_patients:,} patients"
        of_patients = "" if self.level == "patient" else f" of {people}"
        names = f"{', '.join(self.names[:-1])} and {self.names[-1]}"
        return f"{names} on {self.n_scans:,} {self.level}s{of_patients}"

    def __repr__(self) -> str:
        """Show each pair as a table of text."""
        tables = [_align(self._cells(pair)) for pair in self.pairs.values()]
        lines = [f"Comparison of {self._summary()}", *tables, self.families, *self.caveats, NOTICE]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        tables = "".join(_as_html(self._cells(pair)) for pair in self.pairs.values())
        notes = html.escape(" ".join([self.families, *self.caveats, NOTICE]))
        summary = html.escape(self._summary())
        return f"<div><strong>Comparison</strong> of {summary}{tables}<small>{notes}</small></div>"


def _number(value: float) -> str:
    return "undefined" if np.isnan(value) else f"{value:.3f}"


def _with_interval(row: _Row) -> str:
    if np.isnan(row.difference) or np.isnan(row.interval[0]):
        return _number(row.difference)
    difference, low, high = (f"{round(each, 3) + 0.0:+.3f}" for each in (row.difference, *row.interval))  # no -0.000
    return f"{difference} [{low}, {high}]"


def _show_p(row: _Row) -> str:
    if row.test is None:
        return ""
    p = row.test.p_holm
    return "undefined" if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _align(cells: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def _as_html(cells: list[tuple[str, ...]]) -> str:
    head, *rows = [[html.escape(cell) for cell in row] for row in cells]
    lines = ["".join(f"<th>{cell}</th>" for cell in head)]
    lines += [f"<th>{row[0]}</th>" + "".join(f"<td>{cell}</td>" for cell in row[1:]) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
