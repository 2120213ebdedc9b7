"""Shapes: each operator beside torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from octlib.models.graph.operators import OPERATORS
from octlib.models.keras_backend import keras

VALUES = np.random.default_rng(0).normal(size=(2, 3, 4, 6)).astype(np.float32)
THIN = VALUES[:, :1, :, :1]
WHOLE = np.arange(6)
CASES = [
    ("movedim.int", VALUES, 1, -1),
    ("movedim.intlist", VALUES, [0, 1], [-1, 0]),
    ("permute.default", VALUES, [0, 2, 3, 1]),
    ("permute.default", VALUES, [0, -1, 1, -2]),
    ("swapaxes.default", VALUES, 1, -1),
    ("transpose.int", VALUES, -2, -1),
    ("t.default", VALUES[0, 0]),
    *[(f"{name}.default", VALUES, [2, 12, 6]) for name in ("view", "_unsafe_view", "reshape", "view_copy")],
    ("view.default", VALUES, [2, -1, 2, 3]),
    ("reshape.default", VALUES, [-1]),
    ("flatten.using_ints", VALUES, 1),
    ("flatten.using_ints", VALUES, 1, 2),
    ("flatten.using_ints", VALUES, -2),
    ("flatten.using_ints", VALUES),
    ("flatten.using_ints", VALUES, 0, 1),
    ("unflatten.int", VALUES, 3, [2, 3]),
    ("unflatten.int", VALUES, -2, [2, -1]),
    *[(f"{name}.default", THIN, [2, 3, 4, 6]) for name in ("expand", "broadcast_to")],
    ("expand.default", THIN, [-1, 5, -1, -1]),
    ("expand.default", THIN, [3, -1, 2, -1, -1]),
    ("repeat.default", THIN, [1, 2, 1, 3]),
    ("repeat.default", VALUES[0], [2, 1, 1, 1]),
    ("repeat_interleave.self_int", VALUES, 2, 1),
    ("repeat_interleave.self_int", VALUES, 3, -1),
    ("repeat_interleave.self_int", VALUES, 2),
    *[("unsqueeze.default", VALUES, axis) for axis in (0, 2, -1, -2)],
    *[("squeeze.dim", THIN, axis) for axis in (1, -1, 2)],
    ("squeeze.dims", THIN, [1, 3]),
    ("squeeze.dims", THIN, [0, -1]),
    ("squeeze.default", THIN),
    *[(f"{name}.default", [VALUES, VALUES[:, :2]], 1) for name in ("cat", "concat")],
    ("cat.default", [VALUES, VALUES[..., :2]], -1),
    ("cat.default", [VALUES, VALUES]),
    ("stack.default", [VALUES, VALUES + 1]),
    ("stack.default", [VALUES, VALUES + 1], -1),
    ("unbind.int", VALUES),
    ("unbind.int", VALUES, -2),
    ("roll.default", VALUES, [1, -2], [2, -1]),
    ("roll.default", VALUES, [5]),
    ("flip.default", VALUES, [-1]),
    ("flip.default", VALUES, [0, 2]),
    ("pad.default", VALUES, [1, 2]),
    ("pad.default", VALUES, [1, 2, 0, 3], "constant", 7.5),
    ("pad.default", VALUES, [2, 1, 3, 0], "reflect"),
    ("pad.default", VALUES, [2, 1, 5, 0], "replicate"),
    ("pad.default", VALUES, [2, 1, 3, 0], "circular"),
    ("pad.default", VALUES, [-1, 2, 1, -2]),
    ("constant_pad_nd.default", VALUES, [1, 0, 0, 2]),
    ("constant_pad_nd.default", VALUES, [0, -3, -1, 0], -1.5),
    ("full.default", [2, 3], 7.5),
    ("full_like.default", VALUES, 7),
    ("new_full.default", VALUES, [2, 3], 7.5),
    ("new_full.default", WHOLE, [2, 3], 7),
    *[(f"{name}_like.default", each) for name in ("zeros", "ones") for each in (VALUES, WHOLE)],
    *[(f"new_{name}.default", each, [2, 3]) for name in ("zeros", "ones") for each in (VALUES, WHOLE)],
    *[(f"{name}.default", [2, 3]) for name in ("zeros", "ones")],
]
TYPED = [
    ("full.default", ([2, 3], 7), torch.int32),
    ("full_like.default", (VALUES, 7), torch.int32),
    ("new_full.default", (VALUES, [2], 1), torch.bool),
    ("zeros.default", ([2, 3],), torch.bool),
    ("ones.default", ([2, 3],), torch.int32),
    ("zeros_like.default", (VALUES,), torch.bool),
    ("ones_like.default", (VALUES,), torch.bool),
    ("new_zeros.default", (VALUES, [2]), torch.bool),
    ("new_ones.default", (VALUES, [2]), torch.int32),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_shape_is_torchs(beside_torch: Callable[..., None], case: tuple[Any, ...]) -> None:
    beside_torch(*case)


@pytest.mark.parametrize(("name", "args", "dtype"), TYPED)
def test_a_type_that_is_given(beside_torch: Callable[..., None], name: str, args: Any, dtype: Any) -> None:
    beside_torch(name, *args, dtype=dtype)


def test_the_length_of_an_axis() -> None:
    values = keras.ops.convert_to_tensor(VALUES)
    assert [OPERATORS["aten.sym_size.int"](values, axis) for axis in (0, 2, -1)] == [2, 4, 6]
