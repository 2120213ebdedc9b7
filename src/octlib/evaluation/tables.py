"""Tables: an evaluation as rows, as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import html as markup
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from octlib.evaluation.figures import CLASS_FIGURES, FIGURES

if TYPE_CHECKING:
    from octlib.evaluation.result import Evaluation, Interval

TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "auroc": "AUROC",
}
NOTICE = "For research, not a medical device."
Row = tuple[str, str, float, float, float, int]


def rows(evaluation: Evaluation) -> list[Row]:
    """List every figure: name, class ("" for the whole), value, low, high, number of scans it rests on."""
    return [*_whole_rows(evaluation), *_class_rows(evaluation, CLASS_FIGURES)]


def number(value: float, interval: Interval) -> str:
    """Write a figure with its interval, such as ``0.912 [0.880, 0.941]``; ``undefined`` where it is NaN.

    Args:
        value: the figure.
        interval: its low and high end; NaN where there is no interval.

    Returns:
        Three digits each.
    """
    if math.isnan(value):
        return "undefined"
    low, high = interval
    return f"{value:.3f}" if math.isnan(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def text(evaluation: Evaluation) -> str:
    """Write an evaluation as a short table of text: the figures of the whole, and each class's F1."""
    shown = [*_whole_rows(evaluation), *_class_rows(evaluation, ("f1",))]
    labels = [f"{TITLES[figure]} {name}".strip() for figure, name, *_ in shown]
    width = max(len(label) for label in labels)
    lines = [
        f"{label:<{width}}  {number(value, (low, high))}"
        for label, (_, _, value, low, high, _) in zip(labels, shown, strict=True)
    ]
    return "\n".join([f"Evaluation of {summary(evaluation)}", *lines, NOTICE])


def html(evaluation: Evaluation) -> str:
    """Write an evaluation as a self-contained piece of HTML: the figures of the whole, then a row for each class."""
    whole = "".join(
        f"<tr><th>{TITLES[figure]}</th><td>{number(value, (low, high))}</td></tr>"
        for figure, _, value, low, high, _ in _whole_rows(evaluation)
    )
    head = "".join(f"<th>{title}</th>" for title in ("class", *(TITLES[figure] for figure in CLASS_FIGURES), "scans"))
    classes = "".join(_html_row(evaluation, name) for name in evaluation.class_names)
    return (
        f"<div><strong>Evaluation</strong> of {markup.escape(summary(evaluation))}"
        f"<table>{whole}</table><table><tr>{head}</tr>{classes}</table><small>{NOTICE}</small></div>"
    )


def summary(evaluation: Evaluation) -> str:
    """Say in one line what was evaluated: scans, patients, and what the intervals are."""
    patients = "unknown patients" if evaluation.n_patients is None else _count(evaluation.n_patients, "patient")
    scans = _count(evaluation.n_scans, "scan")
    return f"{scans} of {patients}; {100 * evaluation.confidence:g} % intervals over {evaluation.resampled}s"


def _whole_rows(evaluation: Evaluation) -> Iterator[Row]:
    for figure in FIGURES:
        low, high = evaluation.intervals[figure]
        yield figure, "", getattr(evaluation, figure), low, high, evaluation.n_scans


def _class_rows(evaluation: Evaluation, figures: tuple[str, ...]) -> Iterator[Row]:
    support = evaluation.confusion_matrix.sum(axis=1).tolist()
    for figure in figures:
        for name, scans in zip(evaluation.class_names, support, strict=True):
            low, high = evaluation.intervals[figure][name]
            yield figure, name, getattr(evaluation, figure)[name], low, high, scans


def _html_row(evaluation: Evaluation, name: str) -> str:
    own = [row for row in _class_rows(evaluation, CLASS_FIGURES) if row[1] == name]
    cells = "".join(f"<td>{number(value, (low, high))}</td>" for _, _, value, low, high, _ in own)
    return f"<tr><th>{markup.escape(name)}</th>{cells}<td>{own[0][5]}</td></tr>"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
