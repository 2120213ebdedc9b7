"""Seeding: the seed decides, and the caller notices nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from octlib.models.keras_backend import keras
from octlib.models.seeding import random_state, restore_random_state, seeded


def global_draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(1))  # noqa: NPY002


def keras_draws() -> list[float]:
    return [*global_draws(), float(keras.random.uniform((1,))[0]), float(keras.random.shuffle(keras.ops.arange(99))[0])]


def seeded_draws(seed: int) -> list[float]:
    with seeded(seed):
        return keras_draws()


def undisturbed(action: Callable[[], Any]) -> bool:
    """Say whether the global random state goes on as if the action had not been."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    expected = global_draws()
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])
    action()
    return global_draws() == expected


def test_the_seed_decides() -> None:
    assert seeded_draws(5) == seeded_draws(5)
    assert all(first != second for first, second in zip(seeded_draws(5)[:4], seeded_draws(6)[:4], strict=True))


def test_the_global_state_is_left_alone() -> None:
    assert undisturbed(lambda: seeded_draws(1))
    assert not undisturbed(global_draws)  # the check itself can fail


def test_the_global_state_is_left_alone_after_an_error() -> None:
    def fail() -> None:
        with seeded(1):
            raise KeyError(*global_draws())

    def fail_unseen() -> None:
        with pytest.raises(KeyError):
            fail()

    assert undisturbed(fail_unseen)


def test_building_leaves_the_global_state_alone(build: Callable[..., Any]) -> None:
    assert undisturbed(lambda: build(seed=4, dropout=0.2))
    assert undisturbed(lambda: build("test_vit", seed=4))


def test_a_state_that_was_copied_comes_back() -> None:
    state = random_state()
    wanted = torch.rand(5)
    assert all(values.dtype == np.uint8 for values in state.values())  # safetensors can hold it
    assert not torch.equal(torch.rand(5), wanted)
    restore_random_state(state)
    assert torch.equal(torch.rand(5), wanted)
    restore_random_state(state)  # drawing has not changed the copy
    assert torch.equal(torch.rand(5), wanted)


def test_dropout_goes_on_as_if_there_had_been_no_break() -> None:
    dropout = torch.nn.Dropout(0.5)
    ones = torch.ones(64)
    with seeded(3):
        dropout(ones)
        state = random_state()
        wanted = dropout(ones)
    with seeded(4):
        restore_random_state(state)
        assert torch.equal(dropout(ones), wanted)
