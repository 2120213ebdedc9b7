"""Tables: an evaluation in the words and numbers of a page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from octlib.evaluation import Evaluation

WHOLE = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}
CLASSES = {"f1": "F1", "precision": "precision", "recall": "sensitivity", "auroc": "AUROC"}
UNDEFINED = "\N{EN DASH}"
DARKEST = 0.55  # share of colour in a cell of the confusion matrix, so that the ink on it stays legible


def tables(evaluation: Evaluation) -> dict[str, Any]:
    """Give what the template ``evaluation.html`` shows of an evaluation.

    Args:
        evaluation: the figures.

    Returns:
        The template's variables, all of them str, int, bool, lists and dicts.
    """
    support = evaluation.confusion_matrix.sum(axis=1).tolist()
    classes = [
        {
            "name": name,
            "support": count,
            "figures": [
                _figure(getattr(evaluation, key)[name], evaluation.intervals[key][name], bar=False) for key in CLASSES
            ],
        }
        for name, count in zip(evaluation.class_names, support, strict=True)
    ]
    n_errors = len(evaluation.errors())
    return {
        "verdict": _verdict(evaluation),
        "how": _how(evaluation),
        "whole": [
            (title, _figure(getattr(evaluation, key), evaluation.intervals[key], bar=True))
            for key, title in WHOLE.items()
        ],
        "class_figures": list(CLASSES.values()),
        "classes": classes,
        "undefined": any(figure["value"] == UNDEFINED for row in classes for figure in row["figures"]),
        "names": list(evaluation.class_names),
        "matrix": _matrix(evaluation),
        "n_errors": f"{n_errors:,} of {evaluation.n_scans:,} scans were taken for another class",
        "errors_in_all": n_errors,
    }


def _figure(value: float, interval: tuple[float, float], *, bar: bool) -> dict[str, Any]:
    low, high = interval
    if math.isnan(value):
        return {"value": UNDEFINED, "interval": "", "bar": None}
    known = not math.isnan(low)
    drawn = {"low": round(100 * low, 1), "width": round(100 * (high - low), 1), "point": round(100 * value - 0.6, 1)}
    return {
        "value": f"{value:.3f}",
        "interval": f"{low:.3f} to {high:.3f}" if known else "",
        "bar": drawn if bar and known else None,
    }


def _verdict(evaluation: Evaluation) -> dict[str, str]:
    right = round(evaluation.accuracy * evaluation.n_scans)
    patients = "" if evaluation.n_patients is None else f" of {evaluation.n_patients:,} patients"
    low, high = evaluation.intervals["accuracy"]
    interval = "" if math.isnan(low) else f" ({evaluation.confidence:.0%} interval {low:.3f} to {high:.3f})"
    return {
        "before": "Accuracy",
        "figure": f"{evaluation.accuracy:.3f}",
        "after": f"{interval}: {right:,} of {evaluation.n_scans:,} scans{patients} were recognised.".lstrip(),
    }


def _how(evaluation: Evaluation) -> str:
    text = f"Intervals of {evaluation.confidence:.0%}, bootstrapped over {evaluation.resampled}s."
    if evaluation.resampled == "scan":
        text += " Patients are unknown, at least in part: where they have several scans, intervals are too narrow."
    return text


def _matrix(evaluation: Evaluation) -> list[dict[str, Any]]:
    rows = []
    for place, (name, counts) in enumerate(
        zip(evaluation.class_names, evaluation.confusion_matrix.tolist(), strict=True)
    ):
        total = sum(counts)
        cells = [
            {
                "count": count,
                "share": f"{count / total:.0%}" if total else UNDEFINED,
                "shade": round(DARKEST * count / total, 3) if total else 0,
                "hit": column == place,
            }
            for column, count in enumerate(counts)
        ]
        rows.append({"name": name, "cells": cells})
    return rows
