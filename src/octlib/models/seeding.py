"""Seeding: every random choice of a run follows its seed, and the caller's random state is left alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from octlib.models.keras_backend import keras


def as_seed(seed: Any) -> int:
    """Bring a seed to a plain integer.

    Args:
        seed: a whole number from 0 to 2**32 - 1, NumPy's too.

    Returns:
        The seed.

    Raises:
        ValueError: if it is anything else.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be a whole number from 0 to 2**32 - 1, got {seed!r}.")
    return int(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python, NumPy and Keras's backend inside a ``with`` block, and restore the former state after it.

    Keras draws the order of scans from the global state, so seeding a generator of our own is not enough.

    Args:
        seed: any integer from 0 on.
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is the global state that is kept
    with torch.random.fork_rng():
        try:
            keras.utils.set_random_seed(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


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
