"""Lazy packages: names are imported when they are first asked for, and nobody waits for what they don't use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(package: str, places: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and the ``__dir__`` of a package.

    Args:
        package: its name.
        places: of each public name, the module inside the package that defines it.

    Returns:
        Both functions.
    """
    contents = vars(sys.modules[package])

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        contents[name] = getattr(import_module(f"{package}.{places[name]}"), name)
        return contents[name]

    return find, lambda: sorted({*contents, *places})
