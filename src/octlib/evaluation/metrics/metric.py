"""Metric: all that an evaluation, its tables and its page know of one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from octlib.evaluation.resamples import Counts, Resamples

Interval = tuple[float, float]


@dataclass(frozen=True)
class Metric:
    """One metric: all that an evaluation, its tables and its page know of it.

    Args:
        name: its key in ``METRICS``, and the attribute of an ``Evaluation``.
        title: how people read it.
        definition: what it is, as a clause after "is"; ``{unit}`` stands for what is judged, such as "scan".
        by_class: whether each class has a value of its own.
        value: from truth, int (n,), and probabilities, float (n, classes), to a float or, by class, float (classes,);
            NaN where it is undefined.
        resampled: the same for many resamples at once: float (resamples,) or (classes, resamples).
        out_of: of a share, such as sensitivity, the scans that it is a share of, as ``resampled`` gives values; None of
            other metrics. Shares have intervals where they are exactly 0 or 1.
        resampled_low: of a metric that chance makes larger: from resamples to the values whose percentile is the low
            end of the interval; None of all others.
        mean_of: the metric by class whose mean over the classes that scans have it is; empty of all others.
        limits: between which it lies.
        lower_is_better: whether less of it is better.
        in_text: whether the short table of text shows it.
        digits: after the point.
    """

    name: str
    title: str
    definition: str
    by_class: bool
    value: Callable[[np.ndarray, np.ndarray], Any]
    resampled: Callable[[Resamples], np.ndarray]
    out_of: Callable[[Counts], np.ndarray] | None = None
    resampled_low: Callable[[Resamples], np.ndarray] | None = None
    mean_of: str = ""
    limits: tuple[float, float] = (0, 1)
    lower_is_better: bool = False
    in_text: bool = True
    digits: int = 3

    @property
    def heading(self) -> str:
        """The title and, where they aren't what readers expect, its limits and which end is the good one.

        Example:
            >>> from octlib.evaluation import METRICS
            >>> METRICS["brier"].heading, METRICS["accuracy"].heading
            ('Brier score (0 to 2, lower is better)', 'accuracy')
        """
        low, high = self.limits
        said = [] if (low, high) == (0, 1) else [f"{low:g} to {high:g}"]
        said += ["lower is better"] if self.lower_is_better else []
        return f"{self.title} ({', '.join(said)})" if said else self.title

    def define(self, unit: str) -> str:
        """Say what it is, of scans or of another unit.

        Example:
            >>> from octlib.evaluation import METRICS
            >>> METRICS["recall"].define("patient")
            "sensitivity is the share of a class's patients that are found"
        """
        return f"{self.title} is {self.definition.replace('{unit}', unit)}"

    def show(self, value: float, interval: Interval) -> str:
        """Write a value with its interval, such as ``0.912 [0.880, 0.941]``; ``undefined`` where it is NaN.

        Args:
            value: of the metric.
            interval: its low and high end; NaN where there is no interval.

        Returns:
            Text.
        """
        if math.isnan(value):
            return "undefined"
        low, high = (f"{end:.{self.digits}f}" for end in interval)
        return f"{value:.{self.digits}f}" + ("" if math.isnan(interval[0]) else f" [{low}, {high}]")
