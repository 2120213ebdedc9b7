"""Extra: packages that a few methods need, imported when such a method is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from octlib.errors import MissingPackageError


def need(package: str, module: str) -> Any:
    """Import a module of an optional package.

    Args:
        package: its name.
        module: the module's full name.

    Raises:
        MissingPackageError: if it isn't installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"This method needs {package}, not installed here.", "Run: pip install 'octlib[explain]'"
        ) from error


def refuse_layer(method: str, layer: str | None) -> None:
    """Refuse a layer where a method looks at the scan itself.

    Raises:
        ValueError: if one was named.
    """
    if layer is not None:
        raise ValueError(
            f"{method} looks at the scan itself and takes no layer, got {layer!r}. Leave layer out, or choose another "
            "method."
        )
