"""State: variables are copied, not shared, and come back in their places."""

from __future__ import annotations

import numpy as np

from octlib.models.keras_backend import keras
from octlib.training.state import variables_state


def test_variables_come_back():
    variables = [keras.Variable(np.full(3, value, np.float32)) for value in (1.0, 2.0)]
    state = variables_state(variables)
    taken = state.take()
    for variable in variables:
        variable.assign(variable + 5)
    assert {name: value[0] for name, value in taken.items()} == {"0": 1.0, "1": 2.0}
    state.put(taken)
    assert [keras.ops.convert_to_numpy(variable)[0] for variable in variables] == [1.0, 2.0]
