"""Readers: a module for each layout, from class folders to tables; to add one is to add its file here."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from octlib.data.reader import Reader


def all_readers() -> list[Reader]:
    """Give one reader of each class that a module of this package defines, in the order of the modules' names."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return [
        kind()
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Reader) and kind.__module__ == module.__name__
    ]
