"""Numbers: an evaluation in the words and numbers of a page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from octlib.evaluation import Evaluation, Metric

UNDEFINED = "\N{EN DASH}"
DARKEST = 0.42  # share of colour in a cell of the confusion matrix, so that the ink on it stays legible


def describe_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    """Give what the template ``evaluation.html`` shows of an evaluation.

    Args:
        evaluation: the metrics.

    Returns:
        The template's variables, all of them str, int, bool, lists and dicts.
    """
    from octlib.evaluation import METRICS

    metrics = [METRICS[name] for name in evaluation.metrics]
    whole, by_class = ([metric for metric in metrics if metric.by_class == each] for each in (False, True))
    classes = _classes(evaluation, by_class)
    n_errors = len(evaluation.errors())
    gathered = () if evaluation.level == "scan" else (_sentence(evaluation.aggregation),)
    return {
        "verdict": _verdict(evaluation),
        "how": " ".join((*gathered, *evaluation.caveats)),
        "unit": evaluation.level,
        "confidence": f"{100 * evaluation.confidence:g} %",
        "whole": [
            (each.heading, _value(each, evaluation.metrics[each.name], evaluation.intervals[each.name]))
            for each in whole
        ],
        "whole_definitions": _sentence("; ".join(metric.define(evaluation.level) for metric in whole)),
        "class_metrics": [metric.heading for metric in by_class],
        "classes": classes,
        "definitions": _sentence("; ".join(metric.define(evaluation.level) for metric in by_class)),
        "undefined": any(value["value"] == UNDEFINED for row in classes for value in row["cells"]),
        "names": list(evaluation.class_names),
        "matrix": _matrix(evaluation),
        "n_errors": f"{n_errors:,} of {_count(evaluation.n_scans, evaluation.level)} "
        f"{'was' if n_errors == 1 else 'were'} taken for another class",
        "errors_in_all": n_errors,
    }


def _classes(evaluation: Evaluation, metrics: list[Metric]) -> list[dict[str, Any]]:
    support = evaluation.confusion_matrix.sum(axis=1).tolist()
    return [
        {
            "name": name,
            "support": f"{count:,}",
            "cells": [
                _value(each, evaluation.metrics[each.name][name], evaluation.intervals[each.name][name])
                for each in metrics
            ],
        }
        for name, count in zip(evaluation.class_names, support, strict=True)
    ]


def _value(metric: Metric, value: float, interval: tuple[float, float]) -> dict[str, Any]:
    if math.isnan(value):
        return {"value": UNDEFINED, "interval": "", "bar": None}
    shown, low, high = (f"{number:.{metric.digits}f}" for number in (value, *interval))
    if math.isnan(interval[0]):
        return {"value": shown, "interval": "", "bar": None}
    return {"value": shown, "interval": f"{low} to {high}", "bar": _bar(metric, value, *interval)}


def _bar(metric: Metric, value: float, low: float, high: float) -> dict[str, float] | None:
    # The scale of the page goes from 0, the worst, to 1, the best.
    if [*metric.limits] != [0, 1] or metric.lower_is_better or min(value, low) < 0 or max(value, high) > 1:
        return None
    return {"low": round(100 * low, 1), "width": round(100 * (high - low), 1), "point": round(100 * value, 1)}


def _verdict(evaluation: Evaluation) -> dict[str, str]:
    low, high = evaluation.intervals["accuracy"]
    right = int(evaluation.confusion_matrix.trace())
    people = None if evaluation.level == "patient" else evaluation.n_patients
    patients = "" if people is None else f" of {_count(people, 'patient')}"
    interval = "" if math.isnan(low) else f" ({100 * evaluation.confidence:g} % interval {low:.3f} to {high:.3f})"
    return {
        "value": f"{evaluation.accuracy:.3f}",
        "rest": f"{interval}: {right:,} of {_count(evaluation.n_scans, evaluation.level)}{patients} were recognised.",
    }


def _matrix(evaluation: Evaluation) -> list[dict[str, Any]]:
    rows = zip(evaluation.class_names, evaluation.confusion_matrix.tolist(), strict=True)
    return [{"name": name, "cells": _cells(counts, place)} for place, (name, counts) in enumerate(rows)]


def _cells(counts: list[int], place: int) -> list[dict[str, Any]]:
    total = sum(counts)
    return [
        {
            "count": f"{count:,}",
            "share": f"{100 * count / total:.0f} %" if total else UNDEFINED,
            "shade": round(DARKEST * count / total, 3) if total else 0,
            "hit": column == place,
        }
        for column, count in enumerate(counts)
    ]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
