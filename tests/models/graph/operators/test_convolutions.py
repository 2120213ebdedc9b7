"""Convolutions: each beside torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

DRAW = np.random.default_rng(0).normal


def drawn(*shape: int) -> np.ndarray:
    return DRAW(size=shape).astype(np.float32)


MAPS = drawn(2, 4, 9, 12)
# Kernel, and what is given after the bias: stride, padding, dilation, groups.
FORMS = {
    "plain": ((6, 4, 3, 3),),
    "one by one": ((6, 4, 1, 1),),
    "one by one, padded": ((6, 4, 1, 1), [1, 1], [1, 1]),
    "one by one with strides": ((6, 4, 1, 1), [2, 2], [1, 1]),
    "padded": ((6, 4, 3, 3), [1, 1], [1, 1]),
    "padded with less than half": ((6, 4, 5, 5), [1, 1], [1, 1]),
    "padded with more than half": ((6, 4, 3, 3), [1, 1], [2, 2]),
    "with strides": ((6, 4, 3, 3), [2, 2], [1, 1]),
    "with uneven strides": ((6, 4, 3, 3), [2, 1], [1, 1]),
    "with an even kernel": ((6, 4, 4, 4), [4, 4]),
    "with an even kernel, padded": ((6, 4, 2, 2), [1, 1], [1, 1]),
    "with an uneven kernel": ((6, 4, 1, 7), [1, 1], [0, 3]),
    "with another uneven kernel": ((6, 4, 7, 1), [1, 1], [3, 0]),
    "dilated": ((6, 4, 3, 3), [1, 1], [2, 2], [2, 2]),
    "dilated unevenly": ((6, 4, 3, 3), [1, 1], [2, 1], [2, 1]),
    "dilated without padding": ((6, 4, 3, 3), [1, 1], [0, 0], [3, 3]),
    "in groups": ((6, 2, 3, 3), [1, 1], [1, 1], [1, 1], 2),
    "in groups with strides": ((6, 2, 3, 3), [2, 2], [1, 1], [1, 1], 2),
    "depthwise": ((4, 1, 3, 3), [1, 1], [1, 1], [1, 1], 4),
    "depthwise with strides": ((4, 1, 5, 5), [2, 2], [2, 2], [1, 1], 4),
    "depthwise with uneven strides": ((4, 1, 3, 3), [2, 1], [1, 1], [1, 1], 4),
    "depthwise, dilated": ((4, 1, 3, 3), [1, 1], [2, 2], [2, 2], 4),
    "depthwise, dilated with strides": ((4, 1, 3, 3), [2, 2], [2, 2], [2, 2], 4),
    "depthwise with an even kernel": ((4, 1, 4, 2), [2, 2], [1, 0], [1, 1], 4),
    "depthwise with a large kernel": ((4, 1, 11, 9), [1, 1], [5, 4], [1, 1], 4),
    "depthwise, several filters each": ((12, 1, 3, 3), [1, 1], [1, 1], [1, 1], 4),
    "depthwise, an uneven kernel": ((4, 1, 1, 7), [1, 1], [0, 3], [1, 1], 4),
    "with one number for both axes": ((6, 4, 3, 3), [2], [1], [1]),
    "dilated with strides": ((6, 4, 3, 3), [2, 2], [2, 2], [2, 2]),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_convolution_is_torchs(beside_torch: Callable[..., None], form: str) -> None:
    kernel, *rest = FORMS[form]
    beside_torch("conv2d.default", MAPS, drawn(*kernel), drawn(kernel[0]), *rest)
    beside_torch("conv2d.default", MAPS, drawn(*kernel), None, *rest)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")  # torch's, once
@pytest.mark.parametrize("kernel", [(6, 4, 3, 3), (6, 4, 4, 2), (6, 4, 1, 5)])
@pytest.mark.parametrize("rest", [("same",), ("valid",), ("same", [2, 1])])
def test_padding_can_have_a_name(beside_torch: Callable[..., None], kernel: Any, rest: Any) -> None:
    padding, *dilation = rest
    beside_torch("conv2d.padding", MAPS, drawn(*kernel), drawn(6), [1, 1], padding, *dilation)
    beside_torch("conv2d.padding", MAPS, drawn(4, 1, *kernel[2:]), None, [1, 1], padding, *(dilation or [[1, 1]]), 4)


@pytest.mark.parametrize("rest", [(), ([2], [1]), ([1], [2], [2]), ([1], [1], [1], 4), ([2], [0], [1], 2)])
def test_a_convolution_along_one_axis(beside_torch: Callable[..., None], rest: Any) -> None:
    groups = rest[3] if len(rest) > 3 else 1
    beside_torch("conv1d.default", drawn(2, 4, 11), drawn(8, 4 // groups, 3), drawn(8), *rest)


def test_a_padding_with_a_name_along_one_axis(beside_torch: Callable[..., None]) -> None:
    beside_torch("conv1d.padding", drawn(2, 1, 11), drawn(1, 1, 5), None, [1], "same")
