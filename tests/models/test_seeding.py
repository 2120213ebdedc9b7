"""Seeding: the seed decides, and the caller notices nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import octlib
from octlib.models.keras_backend import keras
from octlib.models.seeding import drawn_weights, random_state, restore_random_state, seeded


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


@pytest.mark.parametrize("seed", [None, 5])
def test_keras_draws_on_as_if_nothing_had_been(seed: int | None) -> None:
    def draws(action: Callable[[], Any]) -> list[float]:
        if seed is None:
            keras.utils.clear_session(free_memory=False)  # as in a new process: nothing was drawn, no seed is set
            random.seed(1)
        else:
            keras.utils.set_random_seed(seed)
        first = keras_uniform() if seed is not None else 0.0
        action()
        return [first, keras_uniform(), keras_uniform()]

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        assert draws(lambda: seeded_draws(7)) == draws(lambda: None)
        assert draws(keras_uniform) != draws(lambda: None)  # the check itself can fail
    finally:
        keras.utils.clear_session(free_memory=False)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


def keras_uniform() -> float:
    return float(keras.random.uniform((1,))[0])


@pytest.mark.parametrize("freeze", [True, False])
def test_training_leaves_the_draws_of_keras_alone(build: Callable[..., Any], scans: np.ndarray, freeze: bool) -> None:
    toy = octlib.load_oct_dataset((scans, [0, 1, 2, 3, 0]), class_names=("CNV", "DME", "DRUSEN", "NORMAL"))
    classifier = build(freeze=freeze, dropout=0.1)
    keras.utils.set_random_seed(3)
    wanted = [keras_uniform() for _ in range(3)]
    keras.utils.set_random_seed(3)
    found = [keras_uniform()]
    octlib.fit(classifier, toy, epochs=1, batch_size=2, progress=False)
    assert [*found, keras_uniform(), keras_uniform()] == wanted


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


def test_heads_start_the_same_on_every_backend() -> None:
    drawn = drawn_weights((2, 3), 1e-3, 7)
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(
        drawn, [[-0.000146795, 0.000786141, 0.000946822], [-0.00111434, 0.00169079, -0.000894828]], rtol=1e-4
    )
