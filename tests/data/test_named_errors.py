"""Named errors: an error that lacks the file's name gets it, and no other one changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from octlib.data.named_errors import errors_named
from octlib.errors import TableError

FILE = Path("folder/scans.csv")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ValueError("too long"), ValueError, f"{FILE} can't be read: too long"),
        (TypeError("no text"), TypeError, f"{FILE} can't be read: no text"),
        (KeyError("path"), ValueError, f"{FILE} can't be read: 'path'"),
        (EOFError(), ValueError, f"{FILE} can't be read: EOFError"),
        (OSError(22, "Invalid argument"), ValueError, f"{FILE} can't be read: [Errno 22] Invalid argument"),
        (TableError("No column.", "Mend it."), TableError, f"{FILE} can't be read: No column. Mend it."),
        (TableError("scans.csv is empty."), TableError, "scans.csv is empty."),
        (PermissionError(13, "Permission denied", "x"), PermissionError, "[Errno 13] Permission denied: 'x'"),
        (MemoryError("much"), MemoryError, "much"),
    ],
)
def test_errors(error: Exception, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught, errors_named(FILE):
        raise error
    assert str(caught.value) == text
