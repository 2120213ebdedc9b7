"""Devices: one, unless Keras was told to share batches; tests/backends has four."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from octlib.models.devices import devices
from octlib.models.keras_backend import keras


def test_a_batch_is_not_shared_unless_that_is_asked_for() -> None:
    assert devices() == 1


def test_all_devices_of_a_mesh_count(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = SimpleNamespace(device_mesh=SimpleNamespace(shape=np.array([2, 3])))
    monkeypatch.setattr(keras.distribution, "distribution", lambda: shared)
    assert devices() == 6
