"""Devices: of what kind they are, and how many of them share a batch."""

from __future__ import annotations

import numpy as np

from octlib.models.keras_backend import keras


def devices() -> int:
    """Count the devices over which Keras divides a batch: 1, unless ``keras.distribution`` was set to more."""
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else int(np.prod(distribution.device_mesh.shape))


def device_kind() -> str:
    """Name the kind of device on which Keras computes by itself: ``"cpu"``, ``"gpu"``, ``"tpu"``."""
    return str(keras.distribution.list_devices()[0]).partition(":")[0].lower()
