"""Formats: a module for each kind of file that may hold several scans; to add one is to add its file here."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from octlib.data.file_format import FileFormat


@cache
def all_formats() -> tuple[FileFormat, ...]:
    """Give one of each class of formats that a module of this package defines, in the order of the modules' names."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return tuple(
        kind()
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, FileFormat) and kind.__module__ == module.__name__
    )


def format_of(path: str | Path) -> FileFormat | None:
    """Find the format of a file by the end of its name; ``None`` for plain images."""
    name = str(path).lower()
    return next((each for each in all_formats() if name.endswith(each.suffixes)), None)
