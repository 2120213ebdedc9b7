"""Checks: what a page is asked for, refused before the work or taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
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


# Of these there may be several.
LISTS = {
    "points": ("OperatingResult", "point.evaluate(evaluation)"),
    "groups": ("GroupedEvaluation", "evaluation.by(column)"),
}
# By the name of the argument: the class it must be of, its room, and what gives one.
MATERIAL = {
    "evaluation": ("octlib.evaluation", "Evaluation", "octlib.evaluate returns"),
    "explanation": ("octlib.explanation", "Explanation", "octlib.explain returns"),
    "errors": ("octlib.explanation", "Explanation", "octlib.explain returns"),
    "classifier": ("octlib.models", "OctClassifier", "octlib.build_classifier or octlib.load_classifier returns"),
    "audit": ("octlib.data", "Audit", "scans.audit() returns"),
    "history": ("octlib.training", "History", "octlib.fit returns"),
    "calibration": ("octlib.calibration", "Calibration", "octlib.calibrate returns"),
}


def check_material(material: Mapping[str, Any], parts: Any, **lists: Any) -> None:
    """Check what a page is made from.

    Args:
        material: by the name of its argument, what ``MATERIAL`` says, or None for all but the evaluation.
        parts: what must be datasets by name, or None.
        **lists: what must be sequences of what ``LISTS`` says.

    Raises:
        TypeError: if anything is of another type.
        ValueError: if a list is of other scans than the evaluation.
    """
    for name, value in material.items():
        if value is None and name != "evaluation":
            continue
        room, kind, source = MATERIAL[name]
        # Its room is imported only here: those of some bring torch, which a page without them can do without.
        if not isinstance(value, getattr(import_module(room), kind)):
            absent = "" if name == "evaluation" else ", or None"
            raise TypeError(f"{name} must be what {source}{absent}; got {_kind(value)}.")
    _check_parts(parts)
    n_scans = material["evaluation"].n_scans
    for name, values in lists.items():
        kind, source = LISTS[name]
        allowed = getattr(import_module("octlib.evaluation"), kind)
        if not isinstance(values, Sequence) or not all(isinstance(value, allowed) for value in values):
            raise TypeError(f"{name} must be a list of what {source} returns, got {_kind(values)}.")
        others = [value.n_scans for value in values if value.n_scans != n_scans]
        if others:
            raise ValueError(f"{name} must be of the evaluation's own {n_scans:,} scans, got some of {others[0]:,}.")


def check_shown(shown: Any) -> None:
    """Check how many scans a gallery may have.

    Raises:
        TypeError: if it is no whole number.
        ValueError: if it is negative.
    """
    if isinstance(shown, bool) or not isinstance(shown, int):
        raise TypeError(f"shown must be a whole number of scans, got {shown!r}.")
    if shown < 0:
        raise ValueError(f"shown must be 0 scans or more, got {shown}.")


def _check_parts(parts: Any) -> None:
    from octlib.data import OctDataset

    if parts is None:
        return
    if not isinstance(parts, Mapping) or not all(isinstance(part, OctDataset) for part in parts.values()):
        raise TypeError(
            f'parts must be datasets by name, such as {{"train": train, "test": test}}; got {_kind(parts)}.'
        )


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


def _kind(value: Any) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"
