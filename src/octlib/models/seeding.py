"""Seeding: every random choice of a run follows its seed, and the caller's random state is left alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import numpy as np
import torch

from octlib.models.keras_backend import keras  # noqa: F401 - it has to choose before a part of Keras is imported

# Keras shows these two of its global state to nobody: without them, its later draws would follow our seed.
global_state = import_module("keras.src.backend.common.global_state")
KERAS_STATE = ("global_random_seed", "global_seed_generator")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python, NumPy, torch and Keras inside a ``with`` block, and restore the former state after it.

    Keras draws the order of scans from the global state, so seeding a generator of our own is not enough.

    Args:
        seed: any integer from 0 on.
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is the global state that is kept
    kept = {name: global_state.get_global_attribute(name) for name in KERAS_STATE}
    with torch.random.fork_rng():
        try:
            _seed_all(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
            for name, value in kept.items():
                global_state.set_global_attribute(name, value)


def _seed_all(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)
    # Not by keras.utils.set_random_seed: it sets the seed of TensorFlow too, which nobody could put back. What Keras
    # itself draws on any backend follows these two.
    global_state.set_global_attribute("global_random_seed", seed)
    global_state.set_global_attribute("global_seed_generator", None)


def drawn_weights(shape: tuple[int, ...], deviation: float, seed: int) -> np.ndarray:
    """Draw weights that are the same on every backend, whose own random numbers are not.

    Args:
        shape: of the array.
        deviation: standard deviation about 0.
        seed: any integer from 0 on.

    Returns:
        float32 of this shape.
    """
    generator = torch.Generator().manual_seed(seed)
    return np.asarray(torch.normal(0.0, deviation, shape, generator=generator, dtype=torch.float32))


def random_state() -> dict[str, np.ndarray]:
    """Copy the state of the random numbers that a network draws while it trains: torch's, of every device."""
    states = [torch.random.get_rng_state(), *torch.cuda.get_rng_state_all()]
    return {str(place): state.numpy().copy() for place, state in enumerate(states)}


def restore_random_state(states: dict[str, np.ndarray]) -> None:
    """Put back what ``random_state`` copied.

    Args:
        states: of as many devices as there are here.
    """
    tensors = [torch.as_tensor(states[str(place)]) for place in range(len(states))]
    torch.random.set_rng_state(tensors[0])
    torch.cuda.set_rng_state_all(tensors[1:])
