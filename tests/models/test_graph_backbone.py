"""Graph backbone: timm's features on Keras's operators, whichever backend carries them out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import timm
import torch

from octlib.errors import UnsupportedNetworkError
from octlib.models.graph.operators import OPERATORS
from octlib.models.graph_backbone import GraphBackbone
from octlib.models.keras_backend import keras
from octlib.models.networks import random_module

Features = Callable[..., np.ndarray]


@pytest.fixture
def layer(build: Callable[..., Any], learned: Callable[[Any], Any]) -> Callable[..., GraphBackbone]:
    """Give a function that builds the layer, whichever a classifier would take here."""

    def build_layer(architecture: str = "test_resnet", pooling: str = "average", size: int = 64) -> GraphBackbone:
        spec = build(architecture).backbone.spec
        return GraphBackbone(spec, pooling, (size, size), module=learned(random_module(spec)), name="backbone")

    return build_layer


def values(result: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(result)


@pytest.mark.parametrize(
    ("architecture", "pooling"),
    [("test_resnet", "average"), ("test_resnet", "flatten"), ("test_vit", "average"), ("test_convnext", "average")],
)
def test_features_are_torchs(layer: Any, scans: np.ndarray, architecture: str, pooling: str) -> None:
    backbone = layer(architecture, pooling)
    with torch.inference_mode():
        wanted = backbone.to_torch().eval()(torch.from_numpy(scans)).numpy()
    assert backbone.n_features == wanted.shape[1]
    for given in (scans, scans[..., None], np.repeat(scans[..., None], 3, axis=-1), scans.astype(np.float32)):
        np.testing.assert_allclose(values(backbone(given)), wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())
    np.testing.assert_allclose(values(backbone(scans[:1])), wanted[:1], rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


def test_the_state_is_timms(layer: Any) -> None:
    backbone = layer()
    wanted = timm.create_model("test_resnet", num_classes=0).state_dict()
    state = backbone.state()
    assert [(name, value.shape, value.dtype) for name, value in state.items()] == [
        (name, tuple(value.shape), value.numpy().dtype) for name, value in wanted.items()
    ]
    copied = backbone.to_torch().module.state_dict()
    for name, value in state.items():
        np.testing.assert_array_equal(value, copied[name].numpy(), err_msg=name)
    names = [name for stage in backbone.stages for name in stage]
    assert list(backbone.parameters) == names
    assert {each.path for each in backbone.trainable_variables} == {each.path for each in backbone.parameters.values()}


def test_a_state_comes_back_and_one_that_does_not_fit_changes_nothing(layer: Any, scans: np.ndarray) -> None:
    backbone = layer()
    wanted, state = values(backbone(scans)), {name: value.copy() for name, value in backbone.state().items()}
    backbone.load_state({name: value * 0 + 1 for name, value in state.items()})
    assert not np.allclose(values(backbone(scans)), wanted)
    assert backbone.state()["bn1.num_batches_tracked"] == 1
    backbone.load_state(state)
    np.testing.assert_array_equal(values(backbone(scans)), wanted)
    for name, change in {
        "bn1.bias": {**state, "bn1.bias": np.zeros(3, np.float32)},
        "bn1.running_mean": {**state, "bn1.running_mean": np.zeros(3, np.float32)},
        "conv1.0.weight": {key: value for key, value in state.items() if key != "conv1.0.weight"},
        "other": {**state, "other": np.zeros(1)},
        "scalar": {**state, "scalar": np.array(1)},
    }.items():
        with pytest.raises(RuntimeError, match=rf"missing, not of this backbone, or of another shape: \['{name}'\]"):
            backbone.load_state(change)
        np.testing.assert_array_equal(values(backbone(scans)), wanted)


def test_a_state_may_lack_the_counts_of_batchnorm(layer: Any, scans: np.ndarray) -> None:
    backbone, other = layer(), layer()
    state = {name: value for name, value in backbone.state().items() if not name.endswith("num_batches_tracked")}
    other.load_state({name: value * 0 for name, value in other.state().items()})
    other.load_state(state)
    np.testing.assert_array_equal(values(other(scans)), values(backbone(scans)))


def test_the_configuration_builds_it_again(layer: Any, scans: np.ndarray) -> None:
    backbone = layer()
    again = GraphBackbone.from_config(json.loads(json.dumps(backbone.get_config())))
    again.load_state(backbone.state())
    np.testing.assert_array_equal(values(again(scans)), values(backbone(scans)))


def test_an_operator_that_there_is_not_is_named(layer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(OPERATORS, "aten.gelu.default")
    monkeypatch.delitem(OPERATORS, "aten.layer_norm.default")
    with pytest.raises(UnsupportedNetworkError) as caught:
        layer("test_vit")
    needed = "test_vit needs aten.gelu.default, aten.layer_norm.default, which octlib can't carry over to "
    assert caught.value.problem == f"{needed}{keras.config.backend()}."
    assert caught.value.advice.startswith("Set KERAS_BACKEND=torch, which runs every architecture")


def test_a_size_that_the_architecture_forbids_is_named(layer: Any) -> None:
    with pytest.raises(ValueError, match="test_vit cannot take scans of 65 x 65 pixels: .*Choose another image_size"):
        layer("test_vit", size=65)


# BatchNorm


def test_batchnorm_learns_as_torchs_does(layer: Any, scans: np.ndarray) -> None:
    backbone = layer()
    module = backbone.to_torch().train()
    with torch.no_grad():
        wanted = module(torch.from_numpy(scans)).numpy()
    found = values(backbone(scans, training=True))
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())
    for name, value in module.module.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            np.testing.assert_allclose(backbone.state()[name], value.numpy(), rtol=1e-3, atol=1e-4, err_msg=name)


def changed(backbone: GraphBackbone, scans: np.ndarray, **kwargs: Any) -> set[str]:
    before = {name: value.copy() for name, value in backbone.state().items()}
    backbone(scans, **kwargs)
    return {name for name, value in backbone.state().items() if not np.array_equal(value, before[name])}


def test_statistics_move_where_something_learns_and_nowhere_else(layer: Any, scans: np.ndarray) -> None:
    backbone = layer()
    assert changed(backbone, scans) == set()  # a bare call is no training
    statistics = {name for name in backbone.state() if name.endswith(("running_mean", "running_var"))}
    assert changed(backbone, scans, training=True) == statistics
    backbone.unfreeze(1)
    moved = changed(backbone, scans, training=True)
    assert moved == {name for name in statistics if name.startswith("layer4")}
    backbone.trainable = False
    assert changed(backbone, scans, training=True) == set()


def test_statistics_of_weights_that_were_trained_stay(
    build: Callable[..., Any], timm_folder: Callable[..., Any], scans: np.ndarray
) -> None:
    spec = build(weights=timm_folder()).backbone.spec
    assert spec.fixed_batchnorm
    backbone = GraphBackbone(spec, "average", (64, 64))
    assert changed(backbone, scans, training=True) == set()
