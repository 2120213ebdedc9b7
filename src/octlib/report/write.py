"""Write: a page about an evaluation, as one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octlib.report.audits import summarise_audit
from octlib.report.checklist import answered
from octlib.report.checks import check_material, check_shown, check_words, require_free
from octlib.report.details import describe_calibration, describe_groups, describe_points, draw_curves
from octlib.report.limits import find_limits
from octlib.report.making import describe_making
from octlib.report.numbers import describe_evaluation
from octlib.report.page import render, write_page
from octlib.report.parts import describe_parts
from octlib.report.pictures import SHOWN, describe_method, draw_gallery, has_outlines
from octlib.report.training import describe_training

if TYPE_CHECKING:
    from octlib.calibration import Calibration
    from octlib.data import Audit, OctDataset
    from octlib.evaluation import Evaluation, GroupedEvaluation, OperatingResult
    from octlib.explanation import Explanation
    from octlib.models import OctClassifier
    from octlib.training import History

TITLES = {
    "parts": "Data",
    "audit": "Audit of the data",
    "history": "Training",
    "metrics": "Metrics",
    "classes": "Class by class",
    "matrix": "What was taken for what",
    "curves": "Curves",
    "points": "Operating points",
    "groups": "Groups",
    "calibration": "Calibration",
    "explanation": "Where the evidence lies",
    "errors": "Errors",
    "making": "How it was made",
    "classifier": "How it was made",
    "limits": "Limits",
}
ALWAYS = ("metrics", "classes", "matrix", "curves", "errors", "making", "limits")


def write_report(
    path: str | Path,
    evaluation: Evaluation,
    explanation: Explanation | None = None,
    *,
    errors: Explanation | None = None,
    classifier: OctClassifier | None = None,
    parts: Mapping[str, OctDataset] | None = None,
    audit: Audit | None = None,
    history: History | None = None,
    points: Sequence[OperatingResult] = (),
    groups: Sequence[GroupedEvaluation] = (),
    calibration: Calibration | None = None,
    shown: int = SHOWN,
    title: str = "octlib report",
    introduction: str = "",
    notes: Sequence[str] = (),
    overwrite: bool = False,
) -> Path:
    """Write an HTML page: data, training, metrics with intervals, curves, maps over scans, errors, limits.

    The page is one file. It loads nothing, runs no script, prints well, and suits light and dark, phone and desk. The
    scans are inside, at most 640 pixels wide: a scan and its map take some 0.1 MB. A table says which items of the
    reporting guidelines TRIPOD+AI and CLAIM are answered where; what isn't given here, the authors have to tell.

    Args:
        path: of the page, such as ``"report.html"``.
        evaluation: the metrics.
        explanation: scans with their maps, for a gallery; outlines of lesions are drawn where they are known.
        errors: scans that were taken for another class, with their maps:
            ``octlib.explain(classifier, scans.subset(evaluation.errors(8)))``.
        classifier: what was evaluated: the page says what it is made of, with a digest of its weights.
        parts: what the scans were divided into: ``{"train": train, "validation": validation, "test": test}``.
        audit: what ``scans.audit()`` found.
        history: what ``octlib.fit`` returned.
        points: operating points, chosen on other scans and judged on these: ``[point.evaluate(evaluation)]``.
        groups: how well it does by device, site and the like: ``[evaluation.by("device")]``.
        calibration: what ``octlib.calibrate`` returned.
        shown: how many scans a gallery has at most, from 0 on.
        title: of the page.
        introduction: a paragraph below it.
        notes: paragraphs at the end.
        overwrite: replace a page that is there.

    Returns:
        The path.

    Raises:
        TypeError: if an argument is of another type.
        ValueError: if ``shown`` is negative, or points or groups are of other scans than the evaluation.
        FileExistsError: if ``path`` is a folder, or exists and ``overwrite`` is false.
        OSError: if the page or a scan can't be written or read.

    Example:
        >>> import tempfile, numpy as np, octlib
        >>> from octlib.evaluation import score
        >>> result = score([0, 1, 0], np.eye(2)[[0, 1, 1]], ["p1", "p2", "p3"], ["CNV", "NORMAL"])
        >>> page = octlib.write_report(tempfile.mkdtemp() + "/report.html", result, title="Three scans")
        >>> "<title>Three scans</title>" in page.read_text(encoding="utf-8")
        True
    """
    given = {
        "explanation": explanation,
        "errors": errors,
        "classifier": classifier,
        "audit": audit,
        "history": history,
        "calibration": calibration,
    }
    check_material({"evaluation": evaluation, **given}, parts, points=points, groups=groups)
    check_shown(shown)
    paragraphs = check_words(title, introduction, notes)
    path = require_free(path, overwrite)
    lists = {"parts": parts, "points": points, "groups": groups}
    there = [*(name for name in given if given[name] is not None), *(name for name in lists if lists[name])]
    page = render(
        "evaluation.html",
        title=title,
        introduction=introduction,
        notes=paragraphs,
        **describe_evaluation(evaluation),
        parts=describe_parts(parts or {}),
        audit=summarise_audit(audit),
        training=describe_training(history),
        curves=draw_curves(evaluation),
        points=describe_points(points, evaluation),
        groups=describe_groups(groups),
        calibration=describe_calibration(calibration),
        **_galleries(explanation, errors, shown),
        making=describe_making(classifier),
        knows_classifier=classifier is not None,
        limits=find_limits(evaluation, parts or {}),
        checklist=answered({*ALWAYS, *there}),
        titles=TITLES,
    )
    return write_page(path, page)


def _galleries(explanation: Explanation | None, errors: Explanation | None, shown: int) -> dict[str, Any]:
    """Give what the template shows of maps: those of some scans, and those of errors."""
    return {
        "maps": draw_gallery(explanation, shown),
        "more_maps": 0 if explanation is None else max(0, len(explanation.scans) - shown),
        "errors": draw_gallery(errors, shown),
        "method": describe_method(explanation),
        "errors_method": describe_method(errors),
        "outlined": has_outlines(explanation, shown),
        "errors_outlined": has_outlines(errors, shown),
    }
