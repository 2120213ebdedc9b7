"""Pooling: each kind beside torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from octlib.models.graph.operators import OPERATORS
from octlib.models.keras_backend import keras

MAPS = np.random.default_rng(0).normal(size=(2, 3, 9, 12)).astype(np.float32) - 2  # mostly below zero, as no padding is
# Kernel, stride, padding.
WINDOWS = [
    ([2, 2],),
    ([3, 3], [2, 2]),
    ([3, 3], [2, 2], [1, 1]),
    ([3, 3], [1, 1], [1, 1]),
    ([2, 3], [1, 2], [0, 1]),
    ([4, 4], [3, 3], [2, 2]),
    ([5, 2], [4, 5], [2, 1]),
    ([2, 2], [4, 4]),
    ([3], [2], [1]),
]
SIZES = [[1, 1], [3, 4], [2, 5], [7, 7], [9, 12], [4, 1], [10, 15]]


def filled(windows: tuple[list[int], ...]) -> list[list[int]]:
    """Give stride and padding, where they are left out."""
    return [*windows, *([windows[0], [0]][len(windows) - 1 :])]


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("windows", WINDOWS, ids=str)
def test_maxima_are_torchs(beside_torch: Callable[..., None], windows: Any, ceil_mode: bool) -> None:
    beside_torch("max_pool2d.default", MAPS, *filled(windows), [1, 1], ceil_mode)


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("windows", WINDOWS, ids=str)
def test_means_are_torchs(beside_torch: Callable[..., None], windows: Any, ceil_mode: bool, counted: bool) -> None:
    beside_torch("avg_pool2d.default", MAPS, *filled(windows), ceil_mode, counted)
    beside_torch("avg_pool2d.default", MAPS, *filled(windows), ceil_mode, counted, 5)


@pytest.mark.parametrize("name", ["max_pool2d.default", "avg_pool2d.default"])
@pytest.mark.parametrize("windows", WINDOWS[:3], ids=str)
def test_what_is_left_out_is_as_torch_has_it(beside_torch: Callable[..., None], name: str, windows: Any) -> None:
    beside_torch(name, MAPS, *windows)


@pytest.mark.parametrize("rest", [([3],), ([3], [2], [1]), ([2], [3], [0])])
def test_pooling_along_one_axis(beside_torch: Callable[..., None], rest: Any) -> None:
    beside_torch("avg_pool1d.default", MAPS[0], *rest)
    beside_torch("max_pool1d.default", MAPS[0], *rest)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_as_many_as_are_wanted(beside_torch: Callable[..., None], sizes: Any) -> None:
    beside_torch("adaptive_avg_pool2d.default", MAPS, sizes)
    beside_torch("_adaptive_avg_pool2d.default", MAPS, sizes)
    beside_torch("adaptive_max_pool2d.default", MAPS, sizes)
    beside_torch("adaptive_avg_pool1d.default", MAPS[0], sizes[:1])


def test_a_dilated_maximum_cannot_be_carried_out_and_is_named() -> None:
    with pytest.raises(NotImplementedError, match="max pooling with a dilation"):
        OPERATORS["aten.max_pool2d.default"](keras.ops.convert_to_tensor(MAPS), [3, 3], [1, 1], [0, 0], [2, 2])
