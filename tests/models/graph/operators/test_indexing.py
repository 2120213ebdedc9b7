"""Indexing: each operator beside torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from octlib.models.graph.operators import OPERATORS
from octlib.models.keras_backend import keras

VALUES = np.random.default_rng(0).normal(size=(3, 6, 7, 4)).astype(np.float32)
ROWS, COLUMNS = np.array([[0, 2, -1], [5, 1, 1]]), np.array([[1, -2, 6], [0, 3, 3]])
END = 2**63 - 1  # what torch writes for a range without an end
CASES = [
    ("select.int", VALUES, 1, 2),
    ("select.int", VALUES, -1, -1),
    ("select.int", VALUES, 0, 0),
    ("slice.Tensor", VALUES),
    ("slice.Tensor", VALUES, 1, 0, END),
    ("slice.Tensor", VALUES, 1, 2, END),
    ("slice.Tensor", VALUES, 2, 1, 5),
    ("slice.Tensor", VALUES, -2, -3, -1),
    ("slice.Tensor", VALUES, 2, 0, 99),
    ("slice.Tensor", VALUES, 2, None, None, 2),
    ("slice.Tensor", VALUES, 2, 1, END, 3),
    ("slice.Tensor", VALUES, 2, 0, 7, 2),
    ("slice_scatter.default", VALUES, VALUES[:, :2] + 1, 1, 2, 4),
    ("slice_scatter.default", VALUES, VALUES[:, :, :3] + 1, 2, 4, END),
    ("slice_scatter.default", VALUES, VALUES[:, :, :3] + 1, 2, 0, 3),
    ("slice_scatter.default", VALUES, VALUES[..., :2] + 1, -1, -2),
    ("slice_scatter.default", VALUES, VALUES + 1),
    ("copy.default", VALUES, VALUES[:1, :, :1] + 1),
    ("copy.default", VALUES, np.arange(4)),
    ("split.Tensor", VALUES, 2, 1),
    ("split.Tensor", VALUES, 3, -2),
    ("split.Tensor", VALUES, 2),
    ("split_with_sizes.default", VALUES, [1, 4, 2], 2),
    ("split_with_sizes.default", VALUES, [1, 3], -1),
    ("chunk.default", VALUES, 2, 1),
    ("chunk.default", VALUES, 3, -2),
    ("chunk.default", VALUES, 5, 1),
    ("index_select.default", VALUES, 2, np.array([6, 0, 0, 3])),
    ("index_select.default", VALUES, -1, np.array([1])),
    ("embedding.default", VALUES[0, 0], np.array([[0, 5], [2, 2]])),
    ("gather.default", VALUES[0, 0], 1, np.array([[0, 3], [1, 1], [2, 0], [3, 3], [0, 0], [1, 2], [2, 1]])),
    ("gather.default", VALUES[0, 0], -2, np.array([[0, 6, 3, 1], [5, 1, 1, 2]])),
    ("unfold.default", VALUES, 2, 3, 2),
    ("unfold.default", VALUES, -3, 2, 1),
    ("unfold.default", VALUES, 2, 7, 1),
    ("im2col.default", VALUES, [2, 3], [1, 1], [0, 0], [1, 1]),
    ("im2col.default", VALUES, [3, 2], [1, 2], [1, 0], [2, 1]),
]
INDICES = {
    "along the first axis": [np.array([2, 0, 0])],
    "along a later axis": [None, None, np.array([6, -1, 0])],
    "in the form of a table": [None, ROWS],
    "along two axes": [None, ROWS, COLUMNS],
    "along the first two": [np.array([0, -1, 2]), np.array([5, 0, -6])],
    "along three axes": [None, ROWS, COLUMNS, np.array([3, 0, -1])],
    "broadcast against each other": [None, np.array([[0], [5], [2]]), np.array([[6, 1]])],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_indexing_is_torchs(beside_torch: Callable[..., None], case: tuple[Any, ...]) -> None:
    beside_torch(*case)


@pytest.mark.parametrize("form", INDICES)
def test_arrays_of_places(beside_torch: Callable[..., None], form: str) -> None:
    beside_torch("index.Tensor", VALUES, INDICES[form])


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("index.Tensor", (VALUES, [ROWS % 3, None, COLUMNS]), "axes that are apart"),
        ("slice_scatter.default", (VALUES, VALUES[:, ::2], 1, 0, 6, 2), "slice_scatter with a step"),
    ],
)
def test_what_cannot_be_carried_out_is_named(name: str, args: Any, message: str) -> None:
    values, *rest = args
    with pytest.raises(NotImplementedError, match=message):
        OPERATORS[f"aten.{name}"](keras.ops.convert_to_tensor(values), *rest)
