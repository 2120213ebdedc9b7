"""Tables: an evaluation in the words and numbers of a page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from octlib.evaluation import Evaluation

WHOLE = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}
CLASSES = {"f1": "F1", "precision": "precision", "recall": "sensitivity", "auroc": "AUROC"}
UNDEFINED = "\N{EN DASH}"
DARKEST = 0.42  # share of colour in a cell of the confusion matrix, so that the ink on it stays legible
FEW = 20  # patients: fewer make intervals of the bootstrap too narrow


def tables(evaluation: Evaluation) -> dict[str, Any]:
    """Give what the template ``evaluation.html`` shows of an evaluation.

    Args:
        evaluation: the figures.

    Returns:
        The template's variables, all of them str, int, bool, lists and dicts.
    """
    classes = _classes(evaluation)
    n_errors = len(evaluation.errors())
    return {
        "verdict": _verdict(evaluation),
        "how": _how(evaluation),
        "confidence": f"{100 * evaluation.confidence:g} %",
        "whole": [
            (title, _figure(getattr(evaluation, key), evaluation.intervals[key])) for key, title in WHOLE.items()
        ],
        "class_figures": list(CLASSES.values()),
        "classes": classes,
        "undefined": any(figure["value"] == UNDEFINED for row in classes for figure in row["figures"]),
        "names": list(evaluation.class_names),
        "matrix": _matrix(evaluation),
        "n_errors": f"{n_errors:,} of {_count(evaluation.n_scans, 'scan')} "
        f"{'was' if n_errors == 1 else 'were'} taken for another class",
        "errors_in_all": n_errors,
    }


def _classes(evaluation: Evaluation) -> list[dict[str, Any]]:
    support = evaluation.confusion_matrix.sum(axis=1).tolist()
    return [
        {
            "name": name,
            "support": f"{count:,}",
            "figures": [_figure(getattr(evaluation, key)[name], evaluation.intervals[key][name]) for key in CLASSES],
        }
        for name, count in zip(evaluation.class_names, support, strict=True)
    ]


def _figure(value: float, interval: tuple[float, float]) -> dict[str, Any]:
    low, high = interval
    if math.isnan(value):
        return {"value": UNDEFINED, "interval": "", "bar": None}
    if math.isnan(low):
        return {"value": f"{value:.3f}", "interval": "", "bar": None}
    bar = {"low": round(100 * low, 1), "width": round(100 * (high - low), 1), "point": round(100 * value, 1)}
    return {"value": f"{value:.3f}", "interval": f"{low:.3f} to {high:.3f}", "bar": bar}


def _verdict(evaluation: Evaluation) -> dict[str, str]:
    low, high = evaluation.intervals["accuracy"]
    right = int(evaluation.confusion_matrix.trace())
    patients = "" if evaluation.n_patients is None else f" of {_count(evaluation.n_patients, 'patient')}"
    interval = "" if math.isnan(low) else f" ({100 * evaluation.confidence:g} % interval {low:.3f} to {high:.3f})"
    return {
        "figure": f"{evaluation.accuracy:.3f}",
        "rest": f"{interval}: {right:,} of {_count(evaluation.n_scans, 'scan')}{patients} were recognised.",
    }


def _how(evaluation: Evaluation) -> str:
    """Say what the intervals are, and where they promise too much."""
    groups = evaluation.n_scans if evaluation.n_patients is None else evaluation.n_patients
    if groups == 1:
        return f"There are no intervals: they need more than one {evaluation.resampled}."
    said = [f"Intervals of {100 * evaluation.confidence:g} %, bootstrapped over {evaluation.resampled}s."]
    if evaluation.n_patients is None:
        said.append("Patients are unknown, at least in part: where they have several scans, intervals are too narrow.")
    elif groups < FEW:
        said.append(f"From as few as {groups} patients, intervals tend to be too narrow.")
    if any(high - low == 0 for low, high in _intervals(evaluation)):
        said.append("An interval without width is no certainty: the bootstrap can't draw what was never seen.")
    return " ".join(said)


def _intervals(evaluation: Evaluation) -> list[tuple[float, float]]:
    of_classes = [interval for key in CLASSES for interval in evaluation.intervals[key].values()]
    return [evaluation.intervals[key] for key in WHOLE] + of_classes


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
