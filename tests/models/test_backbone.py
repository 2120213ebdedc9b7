"""Backbone layer: what it is on every backend: stages that learn, a state, a configuration without weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import octlib
from octlib.models.keras_backend import keras

Build = Callable[..., Any]
NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")


def snapshot(classifier: Any) -> dict[str, np.ndarray]:
    return {name: value.copy() for name, value in classifier.backbone.state().items()}


def differing(classifier: Any, before: dict[str, np.ndarray]) -> set[str]:
    now = classifier.backbone.state()
    # A counter of steps plays no part in what is computed, and only torch keeps it.
    names = {name for name in before if not name.endswith("num_batches_tracked")}
    return {name for name in names if not np.array_equal(now[name], before[name])}


@pytest.fixture
def train(scans: np.ndarray) -> Callable[[Any], set[str]]:
    """Give a function that trains a classifier and returns the names in timm of the weights and buffers that moved."""
    toy = octlib.load_oct_dataset((scans, [0, 1, 2, 3, 0], list("abcde")), class_names=NAMES)

    def run(classifier: Any) -> set[str]:
        before = snapshot(classifier)
        octlib.fit(classifier, toy, epochs=1, batch_size=2, learning_rate=1e-2, progress=False)
        return differing(classifier, before)

    return run


def last_stages(classifier: Any, stages: int) -> set[str]:
    """Name the parameters of the last stages, and the buffers of the modules that they are in."""
    learning = {name for stage in classifier.backbone.stages[-stages:] for name in stage}
    parts = {name.rpartition(".")[0] for name in learning}
    statistics = {name for name in classifier.backbone.state() if name.endswith(("running_mean", "running_var"))}
    return learning | {name for name in statistics if name.rpartition(".")[0] in parts}


@pytest.mark.parametrize("stages", [1, 2, 5])
@pytest.mark.parametrize("backbone", ["test_resnet", "test_byobnet"])
def test_the_last_stages_learn_and_no_others(build: Build, train: Any, backbone: str, stages: int) -> None:
    classifier = build(backbone)
    classifier.unfreeze(stages=stages)
    assert not classifier.frozen
    wanted = last_stages(classifier, stages)
    assert train(classifier) == wanted
    assert any(name.endswith("running_mean") for name in wanted)
    everything = {name for name in classifier.backbone.state() if not name.endswith("num_batches_tracked")}
    assert bool(wanted ^ everything) == (stages < 5)


@pytest.mark.parametrize("name", ["classifier", "classifier.keras"])
def test_stages_that_learn_are_saved(build: Build, train: Any, tmp_path: Path, name: str) -> None:
    classifier = build()
    classifier.unfreeze(stages=2)
    wanted = last_stages(classifier, 2)
    classifier.save(tmp_path / name)
    loaded = octlib.load_classifier(tmp_path / name)
    assert loaded.backbone.unfrozen_stages == 2
    assert train(loaded) == wanted


def test_the_last_word_counts(build: Build, train: Any) -> None:
    classifier = build()
    classifier.unfreeze(stages=1)
    classifier.unfreeze()
    assert classifier.backbone.unfrozen_stages is None
    assert "conv1.0.weight" in train(classifier)
    classifier.unfreeze(stages=1)
    assert train(classifier) == last_stages(classifier, 1)
    classifier.backbone.trainable = False
    assert classifier.frozen
    assert train(classifier) == set()
    classifier.backbone.trainable = True
    assert classifier.get_config()["unfrozen_stages"] is None
    assert "conv1.0.weight" in train(classifier)


@pytest.mark.parametrize("backbone", ["test_vit", "test_convnext"])
def test_networks_without_batchnorm_have_stages_too(build: Build, train: Any, backbone: str) -> None:
    classifier = build(backbone)
    classifier.unfreeze(stages=1)
    moved = train(classifier)
    assert moved <= last_stages(classifier, 1)
    assert any("norm" in name for name in moved)


def test_keras_trains_the_same_stages(build: Build, scans: np.ndarray) -> None:
    classifier = build()
    classifier.unfreeze(stages=2)
    before = snapshot(classifier)
    classifier.compile("adam", "sparse_categorical_crossentropy")
    # timm starts the last normalisation of a block at zero, so that the first step moves nothing before it.
    classifier.fit(scans, np.arange(5) % 4, batch_size=2, epochs=2, verbose=0)
    assert differing(classifier, before) == last_stages(classifier, 2)


@pytest.mark.parametrize("stages", [0, -1, 6, True, 1.5, "2"])
def test_stages_that_there_are_not(build: Build, stages: Any) -> None:
    classifier = build()
    with pytest.raises(ValueError, match=rf"test_resnet has 5 stages, of which 1 or more .* got {stages!r}.*None"):
        classifier.unfreeze(stages=stages)
    assert classifier.frozen  # it is as it was
    assert classifier.backbone.unfrozen_stages is None


@pytest.mark.parametrize("pooling", ["average", "flatten"])
def test_the_shape_of_the_features_is_known_beforehand(build: Build, scans: np.ndarray, pooling: str) -> None:
    layer = build(pooling=pooling).backbone
    assert layer.compute_output_shape((None, 64, 64)) == (None, layer.n_features)
    assert tuple(layer(scans).shape) == layer.compute_output_shape(scans.shape)


def test_the_configuration_holds_no_weights_and_builds_the_layer_again(build: Build, scans: np.ndarray) -> None:
    layer = build().backbone
    text = json.dumps(layer.get_config())
    assert len(text) < 1000
    again = type(layer).from_config(json.loads(text))
    again.load_state(layer.state())
    one, other = (keras.ops.convert_to_numpy(each(scans)) for each in (again, layer))
    np.testing.assert_array_equal(one, other)
    assert (again.name, again.spec, again.pooling) == (layer.name, layer.spec, layer.pooling)


def test_parameters_are_those_of_the_stages_in_timms_order(build: Build) -> None:
    backbone = build().backbone
    names = [name for stage in backbone.stages for name in stage]
    assert list(backbone.parameters) == names
    state = backbone.state()
    assert all(tuple(variable.shape) == state[name].shape for name, variable in backbone.parameters.items())


@pytest.mark.parametrize("shape", [(2, 64, 63), (2, 64, 64, 2), (64, 64), (2, 3, 64, 64)])
def test_scans_of_another_shape_are_named(build: Build, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"grey or RGB scans of 64 x 64 pixels .*classifier.preprocess"):
        build()(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda state: state.pop("bn1.bias"), "bn1.bias"),
        (lambda state: state.update(other=np.zeros(1)), "other"),
        (lambda state: state.update({"bn1.bias": np.zeros(3, np.float32)}), "bn1.bias"),
    ],
)
def test_a_state_that_does_not_fit_names_what_is_wrong(build: Build, change: Any, name: str) -> None:
    backbone = build().backbone
    state = dict(backbone.state())
    change(state)
    with pytest.raises(RuntimeError, match=name):
        backbone.load_state(state)
