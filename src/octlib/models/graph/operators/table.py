"""Table: torch's operators by name, each as a function of Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Operator = Callable[..., Any]

OPERATORS: dict[str, Operator] = {}


def operator(*names: str) -> Callable[[Operator], Operator]:
    """Put a function into the table.

    Args:
        *names: of torch's operators that it carries out, without ``aten.``; it takes their arguments.
    """

    def register(function: Operator) -> Operator:
        OPERATORS.update({f"aten.{name}": function for name in names})
        return function

    return register
