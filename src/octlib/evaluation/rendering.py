"""Rendering: metrics with their intervals, as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import html as markup
from collections.abc import Sequence
from typing import NamedTuple

from octlib.evaluation.caveats import find_exact
from octlib.evaluation.metrics import METRICS, Interval

NOTICE = "For research, not a medical device."


class Row(NamedTuple):
    """One metric of the whole (``class_name`` is empty) or of a class, and the number of scans that it rests on."""

    metric: str
    class_name: str
    value: float
    interval: Interval
    support: int

    @property
    def shown(self) -> str:
        """The value with its interval."""
        return METRICS[self.metric].show(self.value, self.interval)


def render_text(summary: str, rows: Sequence[Row], *, resampled: str) -> str:
    """Write an evaluation as a short table of text.

    Args:
        summary: what was evaluated.
        rows: all metrics; those that are not for a short text are left out.
        resampled: what the intervals were bootstrapped over.

    Returns:
        Lines with names and values below each other.
    """
    shown = [row for row in rows if METRICS[row.metric].in_text]
    labels = [f"{METRICS[row.metric].heading} {row.class_name}".strip() for row in shown]
    width = max(map(len, labels))
    lines = [f"{label:<{width}}  {row.shown}" for label, row in zip(labels, shown, strict=True)]
    return "\n".join([f"Evaluation of {summary}", *lines, *_caveats(shown, resampled), NOTICE])


def render_html(summary: str, rows: Sequence[Row], *, resampled: str, level: str = "scan") -> str:
    """Write an evaluation as a self-contained piece of HTML: the metrics of the whole, then a row for each class.

    Args:
        summary: what was evaluated.
        rows: all metrics.
        resampled: what the intervals were bootstrapped over.
        level: what was counted.

    Returns:
        HTML, escaped.
    """
    by_class: dict[str, list[Row]] = {}
    whole = ""
    for row in rows:
        if METRICS[row.metric].by_class:
            by_class.setdefault(row.class_name, []).append(row)
        else:
            whole += f"<tr><th>{markup.escape(METRICS[row.metric].heading)}</th><td>{row.shown}</td></tr>"
    titles = [METRICS[row.metric].heading for row in next(iter(by_class.values()))]
    head = "".join(f"<th>{markup.escape(title)}</th>" for title in ("class", *titles, f"{level}s"))
    classes = "".join(_class_row(name, cells) for name, cells in by_class.items())
    notice = " ".join([*_caveats(rows, resampled), NOTICE])
    return (
        f"<div><strong>Evaluation</strong> of {markup.escape(summary)}"
        f"<table>{whole}</table><table><tr>{head}</tr>{classes}</table><small>{notice}</small></div>"
    )


def _caveats(rows: Sequence[Row], resampled: str) -> list[str]:
    return find_exact([(row.metric, row.value, row.interval) for row in rows], resampled)


def _class_row(name: str, rows: Sequence[Row]) -> str:
    cells = "".join(f"<td>{row.shown}</td>" for row in rows)
    return f"<tr><th>{markup.escape(name)}</th>{cells}<td>{rows[0].support}</td></tr>"
