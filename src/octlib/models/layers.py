"""Keras layers: the backbone that fits the backend of Keras."""

from __future__ import annotations

from typing import Any

from octlib.models.keras_backend import keras


def backbone_layer() -> Any:
    """Return the kind of ``Backbone`` that the backend of Keras computes fastest."""
    if keras.config.backend() == "torch":
        from octlib.models.torch_backbone import TorchBackbone

        return TorchBackbone
    from octlib.models.graph_backbone import GraphBackbone

    return GraphBackbone
