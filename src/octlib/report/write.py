"""Write: a page about an evaluation, as one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from octlib.report.checks import check_results, check_words, require_free
from octlib.report.numbers import describe_evaluation
from octlib.report.page import render, write_page
from octlib.report.pictures import describe_method, draw_gallery, has_outlines

if TYPE_CHECKING:
    from octlib.evaluation import Evaluation
    from octlib.explanation import Explanation


def write_report(
    path: str | Path,
    evaluation: Evaluation,
    explanation: Explanation | None = None,
    *,
    errors: Explanation | None = None,
    title: str = "octlib report",
    introduction: str = "",
    notes: Sequence[str] = (),
    overwrite: bool = False,
) -> Path:
    """Write an HTML page: metrics with intervals, confusion matrix, maps over scans, the worst errors.

    The page is one file. It loads nothing, runs no script, prints well, and suits light and dark, phone and desk. The
    scans are inside, at most 640 pixels wide: a scan and its map take some 0.1 MB.

    Args:
        path: of the page, such as ``"report.html"``.
        evaluation: the metrics.
        explanation: scans with their maps, for a gallery; outlines of lesions are drawn where they are known.
        errors: scans that were taken for another class, with their maps:
            ``octlib.explain(classifier, scans.subset(evaluation.errors(8)))``.
        title: of the page.
        introduction: a paragraph below it.
        notes: paragraphs at the end.
        overwrite: replace a page that is there.

    Returns:
        The path.

    Raises:
        TypeError: if an argument is of another type.
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
    check_results(evaluation, {"explanation": explanation, "errors": errors})
    paragraphs = check_words(title, introduction, notes)
    path = require_free(path, overwrite)
    page = render(
        "evaluation.html",
        title=title,
        introduction=introduction,
        notes=paragraphs,
        **describe_evaluation(evaluation),
        maps=draw_gallery(explanation),
        errors=draw_gallery(errors),
        method=describe_method(explanation),
        errors_method=describe_method(errors),
        outlined=has_outlines(explanation),
        errors_outlined=has_outlines(errors),
    )
    return write_page(path, page)
