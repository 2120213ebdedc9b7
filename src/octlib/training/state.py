"""State: what changes in training, taken out as named arrays and put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from octlib.models.keras_backend import keras

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class State:
    """Something that a checkpoint holds: how to take it out as named arrays, and how to put it back."""

    take: Callable[[], Arrays]
    put: Callable[[Arrays], None]


def variables_state(variables: Sequence[Any]) -> State:
    """Make a state of Keras variables, which are told apart by their place in the list."""

    def take() -> Arrays:
        return {str(place): keras.ops.convert_to_numpy(variable).copy() for place, variable in enumerate(variables)}

    def put(arrays: Arrays) -> None:
        for place, variable in enumerate(variables):
            variable.assign(arrays[str(place)])

    return State(take, put)
