"""Table columns: which column of a table is the path, which the label, and so on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from octlib.data.naming import misspelt
from octlib.errors import LayoutError

# What octlib calls a column, and what tables call it; compared in lower case, with one underscore between words.
KNOWN = {
    "path": ("file", "file_name", "filename", "file_path", "filepath", "image", "image_path", "image_file"),
    "label": ("class", "class_name", "diagnosis"),
    "patient": ("patient_id", "subject", "subject_id"),
    "name": (),
    "split": ("partition", "subset"),
    "eye": ("laterality",),
    "volume": ("volume_id",),
    "position": ("slice", "slice_number", "bscan", "b_scan"),
}


def find_columns(names: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Find the columns of a table that octlib has a name for.

    Args:
        names: those of the table's columns, all different.
        given: what the user says: by octlib's name, or any other that is wanted, the table's.

    Returns:
        The new name of each column that gets one, by the one that it has. What is given comes first, then octlib's own
        names, then what tables usually call them; upper case, blanks and hyphens don't count.

    Raises:
        LayoutError: if a given column isn't there, two are given one name, a column would hide another one, or several
            may be meant.

    Example:
        >>> find_columns(["File name", "Subject", "grade", "age"], {"label": "grade"})
        {'grade': 'label', 'File name': 'path', 'Subject': 'patient'}
    """
    _check_given(names, given)
    found = {old: new for new, old in given.items()}
    for new, others in KNOWN.items():
        left = [name for name in names if name not in found and new not in given]
        same = [name for name in left if _plain(name) == new]
        # The name itself, in whatever case, says more than one that is merely usual.
        candidates = [new] if new in same else same or [name for name in left if _plain(name) in others]
        if len(candidates) > 1:
            raise LayoutError(
                f"A table must have one column for the {new}, and {', '.join(map(repr, candidates))} may all be meant.",
                f"Choose one with columns={{{new!r}: {candidates[0]!r}}}.",
            )
        found |= dict.fromkeys(candidates, new)
    return {old: new for old, new in found.items() if old != new}


def names_paths(name: str) -> bool:
    """Say whether a column of some name usually holds the paths of images.

    Example:
        >>> names_paths("File name"), names_paths("age")
        (True, False)
    """
    return _plain(name) in ("path", *KNOWN["path"])


def _check_given(names: Sequence[str], given: Mapping[str, str]) -> None:
    missing = [old for old in given.values() if old not in names]
    if missing:
        raise LayoutError(
            f"The columns that are named must be in the table: {', '.join(map(repr, missing))} isn't, and it has "
            f"{', '.join(names)}.{misspelt(missing, names)}"
        )
    repeated = sorted({old for old in given.values() if list(given.values()).count(old) > 1})
    if repeated:
        raise LayoutError(f"A column can be one thing, and {', '.join(map(repr, repeated))} is named for several.")
    hidden = [new for new, old in given.items() if new in names and new not in given.values() and new != old]
    if hidden:
        raise LayoutError(
            f"A column must not hide another one: {', '.join(map(repr, hidden))} is in the table already.",
            "Rename that one, or leave it out of columns=.",
        )


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().lower())
