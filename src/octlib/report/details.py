"""Details: curves, operating points, groups and calibration, in the tables and pictures of a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from octlib.evaluation.operating_points import TITLES
from octlib.report.curves import draw_curve

if TYPE_CHECKING:
    from octlib.calibration import Calibration
    from octlib.evaluation import Evaluation, GroupedEvaluation, OperatingResult

SQUARE = (5.2, 5.2)  # inches


def draw_curves(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Draw how well classes are told apart, and how far probabilities can be believed."""
    plots = {
        "ROC curve of each class against the rest": evaluation.plot_roc,
        "Precision over sensitivity of each class against the rest": evaluation.plot_precision_recall,
        "How often predictions are right over their confidence": evaluation.plot_reliability,
    }
    return [draw_curve(plot, words, SQUARE) for words, plot in plots.items()]


def describe_points(points: Sequence[OperatingResult], evaluation: Evaluation) -> list[dict[str, Any]]:
    """Give what the template shows of operating points: each with its question, figures and decision curve."""
    return [_point(point, evaluation) for point in points]


def describe_groups(groups: Sequence[GroupedEvaluation]) -> list[dict[str, Any]]:
    """Give what the template shows of groups: for each column its bars, and a row for each value."""
    return [
        {
            "column": each.column,
            "curve": draw_curve(partial(each.plot_metric, "accuracy"), f"Accuracy by {each.column}"),
            "rows": [_group(name, result) for name, result in each.evaluations.items()],
        }
        for each in groups
    ]


def describe_calibration(calibration: Calibration | None) -> dict[str, Any] | None:
    """Give what the template shows of a calibration; ``None`` where there is none."""
    if calibration is None:
        return None
    found = calibration.to_dict()
    stages = ("before", "after", "cross_fitted")
    rows = [
        (title, *("" if (value := found[f"{name}_{stage}"]) is None else f"{value:.3f}" for stage in stages))
        for name, title in (("log_loss", "log loss"), ("ece", "ECE"))
    ]
    sets = "" if found["coverage"] is None else f" Sets are for a coverage of {found['coverage']:g}."
    how = (
        f"Temperature {calibration.temperature:.3g}, from {calibration.n_scans:,} scans of {calibration.n_patients:,} "
        f"patients. Cross-fitted is what other patients would see: each scan at a temperature found without its "
        f"patient.{sets}"
    )
    return {"rows": rows, "how": how}


def _point(result: OperatingResult, evaluation: Evaluation) -> dict[str, Any]:
    point = result.point
    positives = result.true_positives + result.false_negatives
    # Nothing can be gained or lost where all scans are on one side.
    curve = evaluation.decision_curve(list(point.positive)) if 0 < positives < result.n_scans else None
    return {
        "question": f"{', '.join(point.positive)} against the rest, from a probability of {point.threshold:.4g} on",
        "how": (
            f"Chosen on {point.n_scans:,} {point.level}s for a {point.required} of {point.minimum:g} or more. "
            f"{' '.join(result.caveats)}"
        ),
        "rows": [
            (
                TITLES[row["metric"]],
                _shown(row["value"]),
                _range(row["low"], row["high"]),
                f"{row['count']:,} of {row['of']:,}",
            )
            for row in result.to_frame().to_dict("records")
        ],
        "curves": [draw_curve(curve.plot, "Net benefit over the probability to act from")] if curve else [],
    }


def _group(name: str, result: Evaluation) -> tuple[str, ...]:
    patients = "unknown" if result.n_patients is None else f"{result.n_patients:,}"
    figures = [
        f"{_shown(result.metrics[metric])} {_range(*result.intervals[metric])}".strip()
        for metric in ("accuracy", "balanced_accuracy", "macro_f1")
    ]
    return (name, f"{result.n_scans:,}", patients, *figures)


def _shown(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.3f}"


def _range(low: float, high: float) -> str:
    return "" if math.isnan(low) else f"{low:.3f} to {high:.3f}"
