"""Resizing: each kind beside torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

MAPS = np.random.default_rng(0).normal(size=(2, 3, 6, 9)).astype(np.float32)
SIZES = [[6, 9], [12, 18], [13, 5], [3, 4], [1, 1], [7, 2]]
KINDS = [
    *("upsample_bilinear2d.vec", "upsample_bicubic2d.vec"),
    *("_upsample_bilinear2d_aa.vec", "_upsample_bicubic2d_aa.vec"),
]


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_size_that_is_given(beside_torch: Callable[..., None], kind: str, size: Any, corners: bool) -> None:
    beside_torch(kind, MAPS, size, corners, None)


@pytest.mark.parametrize("scales", [[2.0, 2.0], [0.5, 0.5], [1.7, 0.6], [3.0, 1.0]], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_scale_that_is_given(beside_torch: Callable[..., None], kind: str, scales: Any) -> None:
    beside_torch(kind, MAPS, None, False, scales)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_nearest(beside_torch: Callable[..., None], size: Any) -> None:
    beside_torch("upsample_nearest2d.vec", MAPS, size, None)


@pytest.mark.parametrize("scales", [[2.0, 2.0], [0.5, 0.5], [1.7, 0.6]], ids=str)
def test_the_nearest_by_a_scale(beside_torch: Callable[..., None], scales: Any) -> None:
    beside_torch("upsample_nearest2d.vec", MAPS, None, scales)
