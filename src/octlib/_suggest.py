"""Suggestions: errors for unknown names that say what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

FEW = 12  # choices that somebody reads to the end


def unknown(kind: str, given: object, choices: Iterable[str]) -> ValueError:
    """Build the error for a name that is not among the choices.

    Args:
        kind: what the name stands for, such as ``"method"``.
        given: what the caller wrote.
        choices: every name that would have been accepted.

    Returns:
        A ``ValueError`` to raise; its text names the closest choice, and all of them where they are few.

    Example:
        >>> raise unknown("pooling", "avrage", ["average", "flatten"])
        Traceback (most recent call last):
        ...
        ValueError: Unknown pooling 'avrage': did you mean 'average'? Choices: average, flatten.
    """
    by_lower = {choice.lower(): choice for choice in choices}
    close = [by_lower[name] for name in difflib.get_close_matches(str(given).lower(), by_lower, n=FEW)]
    hint = f": did you mean {close[0]!r}?" if close else "."
    shown = list(by_lower.values())
    if len(shown) > FEW:
        # The first of a thousand, in alphabetical order, would help nobody: the closest come first.
        shown = [*(close or shown[:FEW]), f"... ({len(shown):,} in all)"]
    return ValueError(f"Unknown {kind} {given!r}{hint} Choices: {', '.join(shown)}.")
