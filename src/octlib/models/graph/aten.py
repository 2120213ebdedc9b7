"""ATen: the operators of a graph as torch itself has them, for graphs that are carried out on torch."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import torch

from octlib.models.graph.network import RESHAPES


class Operators(dict[str, Callable[..., Any]]):
    """torch's operators by name, looked up when they are first asked for."""

    def __missing__(self, name: str) -> Callable[..., Any]:
        """Look one up."""
        found = _reshaped if name in RESHAPES else _looked_up(name)
        self[name] = found
        return found


def _looked_up(name: str) -> Callable[..., Any]:
    namespace, _, rest = name.partition(".")
    if namespace == "operator":
        found: Callable[..., Any] = getattr(operator, rest)
        return found
    wanted = reduce(getattr, rest.split("."), getattr(torch.ops, namespace))

    def carried_out(*args: Any, **kwargs: Any) -> Any:
        return wanted(*map(_as_torch, args), **{key: _as_torch(value) for key, value in kwargs.items()})

    return carried_out


def _as_torch(value: Any) -> Any:
    """Bring back a type that a graph holds by its name."""
    found = getattr(torch, value, None) if isinstance(value, str) else None
    return found if isinstance(found, torch.dtype) else value


def _reshaped(values: torch.Tensor, shape: Any) -> torch.Tensor:
    # Not a view: what lies in memory in another order than when it was traced has none.
    return values.reshape(shape)


OPERATORS = Operators()
