"""Write: a page about an evaluation, as one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octlib._files import written_whole
from octlib.report.pictures import gallery, has_outlines, method_in_words
from octlib.report.tables import tables

if TYPE_CHECKING:
    from octlib.evaluation import Evaluation
    from octlib.explanation import Explanation


def write_report(
    path: str | Path,
    evaluation: Evaluation,
    explanation: Explanation | None = None,
    *,
    errors: Explanation | None = None,
    title: str = "How good is the classifier?",
    introduction: str = "",
    notes: Sequence[str] = (),
    overwrite: bool = False,
) -> Path:
    """Write an HTML page: figures with intervals, confusion matrix, maps over scans, the worst errors.

    The page is one file. It loads nothing, runs no script, prints well, and suits light and dark, phone and desk.

    Args:
        path: of the page, such as ``"report.html"``.
        evaluation: the figures.
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
        FileExistsError: if something is at ``path``.
        OSError: if the page can't be written.

    Example:
        >>> import tempfile, numpy as np, octlib
        >>> from octlib.evaluation import score
        >>> result = score(np.eye(2)[[0, 1, 1]], [0, 1, 0], ["p1", "p2", "p3"], ["CNV", "NORMAL"])
        >>> page = octlib.write_report(tempfile.mkdtemp() + "/report.html", result, title="Three scans")
        >>> "<title>Three scans</title>" in page.read_text()
        True
    """
    path = Path(path)
    if path.is_dir() or (path.exists() and not overwrite):
        raise FileExistsError(f"{path} exists already. Choose another path, or pass overwrite=True to replace a page.")
    page = _rendered(
        "evaluation.html",
        title=title,
        introduction=introduction,
        notes=list(notes),
        **tables(evaluation),
        maps=gallery(explanation),
        errors=gallery(errors),
        method=method_in_words(explanation),
        outlined=has_outlines(explanation),
    )
    with written_whole(path) as part:
        part.write_text(page, encoding="utf-8")
    return path


def _rendered(template: str, **content: Any) -> str:
    """Fill a template; everything in it is escaped but octlib's own style."""
    import jinja2
    from markupsafe import Markup

    folder = files("octlib.report") / "templates"
    # No template is found by the names of files elsewhere: these come with the package.
    sources = {each.name: each.read_text(encoding="utf-8") for each in folder.iterdir() if each.name.endswith(".html")}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(sources), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    page: str = environment.get_template(template).render(
        **content,
        style=Markup((folder / "style.css").read_text(encoding="utf-8")),
        version=version("octlib"),
        date=datetime.now(UTC).strftime("%d %B %Y"),
    )
    return page
