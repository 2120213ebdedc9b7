"""Devices: how many of them share a batch."""

from __future__ import annotations

import numpy as np

from octlib.models.keras_backend import keras


def devices() -> int:
    """Count the devices over which Keras divides a batch: 1, unless ``keras.distribution`` was set to more."""
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else int(np.prod(distribution.device_mesh.shape))
