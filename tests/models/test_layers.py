"""Layers: the kind of backbone follows the backend of Keras."""

from __future__ import annotations

import pytest

from octlib.models.graph_backbone import GraphBackbone
from octlib.models.keras_backend import keras
from octlib.models.layers import backbone_layer
from octlib.models.torch_backbone import TorchBackbone


@pytest.mark.parametrize(
    ("backend", "kind"), [("torch", TorchBackbone), ("jax", GraphBackbone), ("tensorflow", GraphBackbone)]
)
def test_torch_has_timms_own_module_and_others_a_graph(
    monkeypatch: pytest.MonkeyPatch, backend: str, kind: type
) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: backend)
    assert backbone_layer() is kind
