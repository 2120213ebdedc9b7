"""Groups: an evaluation for each value of a column, side by side."""

from __future__ import annotations

import html as markup
import math
import warnings
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib._suggest import unknown
from octlib.data.columns import as_text, is_missing
from octlib.errors import UndefinedMetricWarning
from octlib.evaluation.caveats import find_exact
from octlib.evaluation.metrics import METRICS
from octlib.evaluation.plots.groups import draw_groups
from octlib.evaluation.rendering import NOTICE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MISSING = "missing"
NAMED = 5  # groups that a warning names


@dataclass(frozen=True, eq=False, repr=False)
class GroupedEvaluation:
    """Evaluations of the groups that the scans of another one fall into, from ``Evaluation.by``.

    Attributes:
        column: whose values the groups have.
        evaluations: the ``Evaluation`` of each group by its value as text, in sorted order, numbers by their size;
            scans without a value are the last group, ``"missing"``.
    """

    column: str
    evaluations: dict[str, Any]

    @property
    def n_scans(self) -> int:
        """The number of scans in all groups, or of what the level says."""
        return sum(each.n_scans for each in self.evaluations.values())

    def to_frame(self) -> pd.DataFrame:
        """Give the metrics of all groups as a table.

        Returns:
            For each group the rows of ``Evaluation.to_frame``, and before them the columns group and patients (Int64,
            missing where unknown).
        """
        import pandas as pd

        frames = []
        for name, each in self.evaluations.items():
            frame = each.to_frame()
            frame.insert(0, "group", name)
            frame.insert(1, "patients", pd.array([each.n_patients] * len(frame), dtype="Int64"))
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def plot_metric(self, name: str = "accuracy", *, ax: Axes | None = None) -> Axes:
        """Draw a metric as a bar for each group, or each class of a group, with its interval.

        Args:
            name: of the metric, one of ``octlib.evaluation.METRICS``.
            ax: where to draw; None makes a new figure.

        Returns:
            The axes.

        Raises:
            ValueError: if there is no such metric.
        """
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
        metric = METRICS[name]
        bars: dict[str, list[tuple[float, float, float]]] = {}
        for each in self.evaluations.values():
            value, interval = each.metrics[name], each.intervals[name]
            values, intervals = (value, interval) if metric.by_class else ({"": value}, {"": interval})
            for label in values:
                bars.setdefault(label, []).append((values[label], *intervals[label]))
        return draw_groups(
            bars,
            [f"{group}\n{each.n_scans:,} {each.level}s" for group, each in self.evaluations.items()],
            title=metric.heading,
            column=self.column,
            limits=metric.limits,
            ax=ax,
        )

    def __repr__(self) -> str:
        """Show the whole's metrics of a short text for each group."""
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        # Names stand at the left, numbers of scans and patients at the right.
        lines = [
            "  ".join(
                f"{cell:{'>' if place in (1, 2) else '<'}{width}}"
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join([f"Evaluation {self._summary()}", *lines, *self._caveats(), NOTICE])

    def _repr_html_(self) -> str:
        head, *rows = ([markup.escape(cell) for cell in row] for row in self._rows())
        table = "".join(f"<tr><th>{name}</th>{''.join(f'<td>{it}</td>' for it in cells)}</tr>" for name, *cells in rows)
        titles = "".join(f"<th>{title}</th>" for title in head)
        return (
            f"<div><strong>Evaluation</strong> {markup.escape(self._summary())}<table><tr>{titles}</tr>{table}</table>"
            f"<small>{' '.join([*self._caveats(), NOTICE])}</small></div>"
        )

    def _rows(self) -> list[list[str]]:
        level = next(iter(self.evaluations.values())).level
        rows = [[self.column, f"{level}s", "patients", *(METRICS[name].heading for name in self._shown())]]
        for group, each in self.evaluations.items():
            figures = [METRICS[name].show(each.metrics[name], each.intervals[name]) for name in self._shown()]
            patients = "unknown" if each.n_patients is None else f"{each.n_patients:,}"
            rows.append([group, f"{each.n_scans:,}", patients, *figures])
        return rows

    def _shown(self) -> list[str]:
        return [name for name, metric in METRICS.items() if metric.in_text and not metric.by_class]

    def _summary(self) -> str:
        evaluations = list(self.evaluations.values())
        level = evaluations[0].level
        over = " or ".join(dict.fromkeys(f"{each.resampled}s" for each in evaluations))
        intervals = f"{100 * evaluations[0].confidence:g} % intervals over {over}"
        return f"of {self.n_scans:,} {level}s by {self.column}; {intervals}"

    def _caveats(self) -> list[str]:
        evaluations = list(self.evaluations.values())
        figures = [(name, each.metrics[name], each.intervals[name]) for each in evaluations for name in self._shown()]
        return find_exact(figures, evaluations[0].resampled)


def find_groups(scans: pd.DataFrame, column: str) -> dict[str, np.ndarray]:
    """Find the scans with each value of a column.

    Args:
        scans: a row for each scan.
        column: its name.

    Returns:
        The rows of each value, int64, by the value as text: 12 and 12.0 are the same one. Sorted, numbers by their
        size; rows without a value come last, as ``"missing"``.

    Raises:
        ValueError: if there is no such column.

    Example:
        >>> import pandas as pd
        >>> list(find_groups(pd.DataFrame({"age": [71, 9, None, 70]}), "age"))
        ['9', '70', '71', 'missing']
    """
    if column not in scans:
        raise unknown("column", column, map(str, scans.columns))
    texts = [None if is_missing(value) else as_text(value) for value in scans[column].tolist()]
    rows: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        if text is not None:
            rows.setdefault(text, []).append(row)
    found = {text: np.array(rows[text]) for text in sorted(rows, key=_order)}
    nothing = np.flatnonzero([text is None for text in texts])
    return found | ({_free_name(found): nothing} if len(nothing) else {})


def warn_of_groups(column: str, evaluations: dict[str, Any], absent: Collection[str], *, stacklevel: int) -> None:
    """Warn, once for all groups, of classes that are absent from some, and of groups of one patient alone.

    Args:
        column: whose values the groups have.
        evaluations: by group.
        absent: classes that no group has, of which the evaluation of all scans has warned.
        stacklevel: of the warnings, as from here.
    """
    lacking: list[str] = []
    for group, each in evaluations.items():
        support = dict(zip(each.class_names, each.confusion_matrix.sum(axis=1), strict=True))
        classes = [name for name, count in support.items() if not count and name not in absent]
        lacking += [f"{group} ({', '.join(classes)})"] if classes else []
    if lacking:
        message = (
            f"Classes are absent from {len(lacking):,} of the {len(evaluations):,} groups by {column!r}: "
            f"{_some(lacking)}. What needs a scan of them is NaN there; means leave them out."
        )
        warnings.warn(message, UndefinedMetricWarning, stacklevel=stacklevel + 1)
    alone = [
        group
        for group, each in evaluations.items()
        if (each.n_scans if each.n_patients is None else each.n_patients) == 1
    ]
    if alone:
        message = (
            f"Intervals are NaN for {len(alone):,} of the {len(evaluations):,} groups by {column!r}, each of one "
            f"patient or scan alone: {_some(alone)}. They need several."
        )
        warnings.warn(message, UndefinedMetricWarning, stacklevel=stacklevel + 1)


def _order(text: str) -> tuple[bool, float, str]:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    is_number = math.isfinite(number)
    return not is_number, number if is_number else 0, text


def _free_name(taken: Iterable[str]) -> str:
    name = MISSING
    while name in set(taken):
        name = f"({name})"
    return name


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
