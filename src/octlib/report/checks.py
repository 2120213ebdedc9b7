"""Checks: what a page is asked for, refused before the work or taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def require_free(path: str | Path, overwrite: bool) -> Path:
    """Check that a page may be written.

    Args:
        path: where to.
        overwrite: whether a page that is there may go.

    Returns:
        The path.

    Raises:
        FileExistsError: if something is there that must stay.
    """
    path = Path(path)
    if path.is_dir():
        raise FileExistsError(f"{path} is a folder. Name a file in it, such as {path / 'report.html'}.")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already. Choose another name, or pass overwrite=True to replace it.")
    return path


def check_results(evaluation: Any, maps: dict[str, Any]) -> None:
    """Check what results are.

    Args:
        evaluation: what must be an evaluation.
        maps: by the name of its argument, what must be an explanation or None.

    Raises:
        TypeError: if anything is of another type.
    """
    from octlib.evaluation import Evaluation

    if not isinstance(evaluation, Evaluation):
        raise TypeError(f"evaluation must be what octlib.evaluate returns, got {_kind(evaluation)}.")
    for name, value in maps.items():
        if value is not None and not _is_explanation(value):
            raise TypeError(f"{name} must be what octlib.explain returns, or None; got {_kind(value)}.")


def check_words(title: Any, introduction: Any, notes: Any) -> list[str]:
    """Check the caller's own words.

    Args:
        title: what must be a str.
        introduction: what must be a str.
        notes: what must be a sequence of str.

    Returns:
        The notes.

    Raises:
        TypeError: if anything is no text, or ``notes`` is one.
    """
    for name, value in {"title": title, "introduction": introduction}.items():
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a str, got {_kind(value)}.")
    if isinstance(notes, str):
        raise TypeError("notes must be a sequence of paragraphs, got one str. Write notes=[text].")
    if not isinstance(notes, Sequence) or not all(isinstance(note, str) for note in notes):
        raise TypeError(f"notes must be a sequence of str, got {notes!r}.")
    return list(notes)


def _is_explanation(value: Any) -> bool:
    from octlib.explanation import Explanation  # only here: it brings torch, which a page without maps can do without

    return isinstance(value, Explanation)


def _kind(value: Any) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"
