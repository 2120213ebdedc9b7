"""The check of the operators: each beside torch's own, on whichever backend Keras runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from octlib.models.graph.operators import OPERATORS
from octlib.models.keras_backend import keras

Change = Callable[[np.ndarray], Any]


@pytest.fixture
def beside_torch() -> Callable[..., None]:
    """Give a function that takes the name of an operator and its arguments, and sees that it gives what torch gives.

    Arrays become tensors; and variables, which weights are in a network.
    """

    def check(name: str, *args: Any, **kwargs: Any) -> None:
        operator, overload = name.split(".")
        wanted = getattr(getattr(torch.ops.aten, operator), overload)(
            *_with(args, torch.tensor), **_with(kwargs, torch.tensor)
        )
        plain = _with(kwargs, keras.ops.convert_to_tensor, in_graph=True)
        found = OPERATORS[f"aten.{name}"](*_with(args, keras.ops.convert_to_tensor, in_graph=True), **plain)
        _compare(found, wanted, "with tensors")
        if any(isinstance(each, np.ndarray) and each.dtype == np.float32 for each in args):
            found = OPERATORS[f"aten.{name}"](*_with(args, _variable, in_graph=True), **plain)
            _compare(found, wanted, "with variables")

    return check


def _variable(values: np.ndarray) -> Any:
    is_weight = values.dtype == np.float32
    return keras.Variable(values) if is_weight else keras.ops.convert_to_tensor(values)


def _with(content: Any, change: Change, *, in_graph: bool = False) -> Any:
    """Change each array; write types and sequences as a graph holds them."""
    if isinstance(content, np.ndarray):
        return change(content)
    if isinstance(content, tuple | list):
        return [_with(each, change, in_graph=in_graph) for each in content]
    if isinstance(content, Mapping):
        return {name: _with(each, change, in_graph=in_graph) for name, each in content.items()}
    if in_graph and isinstance(content, torch.dtype):
        return str(content).removeprefix("torch.")
    return content


def _compare(found: Any, wanted: Any, how: str) -> None:
    if isinstance(wanted, tuple | list):
        # Of several results those count that networks use: the first ones.
        assert 1 <= len(found) <= len(wanted)
        for one, other in zip(found, wanted, strict=False):
            _compare(one, other, how)
        return
    array = keras.ops.convert_to_numpy(found)
    assert array.shape == tuple(wanted.shape), how
    assert array.dtype.kind == wanted.numpy().dtype.kind, how
    np.testing.assert_allclose(array, wanted.numpy(), rtol=2e-5, atol=2e-5, err_msg=how)
