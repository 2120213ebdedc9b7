"""Suggestions: errors for unknown names that say what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def unknown(kind: str, given: object, choices: Iterable[str]) -> ValueError:
    """Build the error for a name that is not among the choices.

    Args:
        kind: what the name stands for, such as ``"method"``.
        given: what the caller wrote.
        choices: every name that would have been accepted.

    Returns:
        A ``ValueError`` to raise; its text lists the choices (at most a dozen) and the closest one.

    Example:
        >>> raise unknown("head", "avrage", ["average", "flatten"])
        Traceback (most recent call last):
        ...
        ValueError: Unknown head 'avrage': did you mean 'average'? Choices: average, flatten.
    """
    choices = list(choices)
    close = difflib.get_close_matches(str(given).lower(), [choice.lower() for choice in choices], n=1)
    meant = next((choice for choice in choices if close and choice.lower() == close[0]), None)
    hint = f": did you mean {meant!r}?" if meant else "."
    shown = ", ".join(choices[:12]) + (", ..." if len(choices) > 12 else ".")
    return ValueError(f"Unknown {kind} {given!r}{hint} Choices: {shown}")
