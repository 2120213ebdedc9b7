"""Page: a template filled in, with everything escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from octlib._files import written_whole


def render(template: str, **content: Any) -> str:
    """Fill a template; everything in it is escaped but octlib's own style.

    Args:
        template: the name of a file in ``templates``, which extends ``base.html``.
        **content: its variables. ``base.html`` asks for title, introduction and notes.

    Returns:
        HTML that loads nothing from elsewhere.
    """
    import jinja2
    from markupsafe import Markup

    folder = files("octlib.report") / "templates"
    # No template is found by the names of files elsewhere: these come with the package.
    sources = {each.name: each.read_text(encoding="utf-8") for each in folder.iterdir() if each.name.endswith(".html")}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(sources),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    now = datetime.now(UTC)
    page: str = environment.get_template(template).render(
        **content,
        style=Markup((folder / "style.css").read_text(encoding="utf-8")),
        version=version("octlib"),
        day=now.date().isoformat(),
        date=f"{now.day} {now:%B %Y}",
    )
    return page


def write_page(path: Path, page: str) -> Path:
    """Write a page, whole or not at all.

    Args:
        path: where to.
        page: HTML.

    Returns:
        The path.

    Raises:
        OSError: if it can't be written.
    """
    with written_whole(path) as part:
        # A file name may hold bytes that are no text; they are shown as \udcff and the like.
        part.write_text(page, encoding="utf-8", errors="backslashreplace")
    return path
