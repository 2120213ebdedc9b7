"""Passes: batches of scans through a backbone, compiled where the backend compiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from octlib.models.backbone import Backbone
from octlib.models.devices import devices
from octlib.models.keras_backend import keras
from octlib.preprocessing import Preprocessing


class FeatureModel(keras.Model):
    """What gives features, as a model of Keras: it has a compiled forward pass on every backend.

    Args:
        backbone: the layer that gives them.
    """

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.built = True

    def call(self, scans: Any, training: bool = False) -> Any:
        """Compute features, (batch, features)."""
        return self.backbone(scans, training=training)


class FeaturePass:
    """The forward pass of a backbone, without gradients, over batches of any length.

    Args:
        backbone: the layer.
        preprocessing: what happens to a scan before.
    """

    def __init__(self, backbone: Backbone, preprocessing: Preprocessing) -> None:
        self.backbone, self.preprocessing = backbone, preprocessing
        self._model = FeatureModel(backbone)
        self._lengths: set[int] = set()

    def extract(self, scans: np.ndarray) -> np.ndarray:
        """Compute the features of preprocessed scans.

        Args:
            scans: uint8 or float in 0-255, (n, height, width[, 1 or 3]).

        Returns:
            float32 (n, features).
        """
        length = self._length_for(len(scans))
        padded = np.concatenate([scans, np.zeros((length - len(scans), *scans.shape[1:]), scans.dtype)])
        return np.asarray(self._model.predict_on_batch(padded if length > len(scans) else scans))[: len(scans)]

    def _length_for(self, n: int) -> int:
        """Choose how long a batch becomes: to compile for one more length takes longer than a few blank scans."""
        if keras.config.backend() == "torch":
            return n
        n = -(-n // devices()) * devices()
        length = min((each for each in self._lengths if each >= n), default=n)
        self._lengths.add(length)
        return length
