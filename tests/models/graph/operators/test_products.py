"""Products: each beside torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from octlib.models.graph.operators import OPERATORS
from octlib.models.keras_backend import keras

DRAW = np.random.default_rng(0).normal


def drawn(*shape: int) -> np.ndarray:
    return DRAW(size=shape).astype(np.float32)


QUERY, KEY, VALUE = drawn(2, 3, 5, 4), drawn(2, 3, 7, 4), drawn(2, 3, 7, 6)
CHOICE = np.arange(35).reshape(5, 7) % 3 > 0
ATTENTION = "scaled_dot_product_attention.default"
CASES = [
    ("bmm.default", drawn(2, 3, 4), drawn(2, 4, 5)),
    ("mm.default", drawn(3, 4), drawn(4, 5)),
    ("mv.default", drawn(3, 4), drawn(4)),
    ("dot.default", drawn(4), drawn(4)),
    ("matmul.default", drawn(2, 3, 4), drawn(4, 5)),
    ("matmul.default", drawn(4), drawn(2, 4, 5)),
    ("matmul.default", drawn(2, 1, 3, 4), drawn(5, 4, 2)),
    ("linear.default", drawn(2, 3, 4), drawn(5, 4)),
    ("linear.default", drawn(2, 4), drawn(5, 4), drawn(5)),
    ("addmm.default", drawn(5), drawn(3, 4), drawn(4, 5)),
    ("baddbmm.default", drawn(2, 3, 5), drawn(2, 3, 4), drawn(2, 4, 5)),
    ("einsum.default", "bij,bkj->bik", [drawn(2, 3, 4), drawn(2, 5, 4)]),
    ("einsum.default", "bhwc,hkc->bhwk", [drawn(2, 3, 5, 4), drawn(3, 6, 4)]),
    (ATTENTION, QUERY, KEY, VALUE),
    (ATTENTION, QUERY, KEY, VALUE, CHOICE),
    (ATTENTION, QUERY, KEY, VALUE, drawn(2, 1, 5, 7), 0.0, False),
    (ATTENTION, QUERY[0], KEY[0], VALUE[0]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_product_is_torchs(beside_torch: Callable[..., None], case: tuple[Any, ...]) -> None:
    beside_torch(*case)


def test_settings_of_products(beside_torch: Callable[..., None]) -> None:
    beside_torch("addmm.default", drawn(3, 5), drawn(3, 4), drawn(4, 5), beta=0.5, alpha=2)
    beside_torch(ATTENTION, QUERY, KEY, VALUE, scale=0.3)


@pytest.mark.parametrize("settings", [{"causal": True}, {"enable_gqa": True}])
def test_other_attention_is_named(settings: dict[str, bool]) -> None:
    tensors = map(keras.ops.convert_to_tensor, (QUERY, KEY, VALUE))
    with pytest.raises(NotImplementedError, match="causal or grouped attention"):
        OPERATORS[f"aten.{ATTENTION}"](*tensors, **settings)
