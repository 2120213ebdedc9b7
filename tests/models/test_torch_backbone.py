"""Keras layers: a frozen backbone that is frozen, and one that learns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import octlib
from octlib.models.torch_backbone import TorchBackbone
from octlib.models.stages import parameter_stages

Build = Callable[..., Any]


def snapshot(classifier: Any) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in classifier.backbone.module.state_dict().items()}


def differing(classifier: Any, before: dict[str, torch.Tensor]) -> set[str]:
    now = classifier.backbone.module.state_dict()
    return {key for key, value in before.items() if not torch.equal(value, now[key])}


def statistics(names: set[str]) -> set[str]:
    return {name for name in names if name.endswith(("running_mean", "running_var", "num_batches_tracked"))}


def test_a_bare_call_is_no_training(build: Build, scans: np.ndarray) -> None:
    classifier = build(freeze=False)
    before = snapshot(classifier)
    first = classifier.backbone(scans).detach()
    assert differing(classifier, before) == set()
    torch.testing.assert_close(classifier.backbone(scans[:1]).detach(), first[:1])  # no batch statistics either


def test_a_frozen_backbone_is_the_same_after_calls_in_training_mode(build: Build, scans: np.ndarray) -> None:
    classifier = build()
    before = snapshot(classifier)
    classifier(scans, training=True)
    classifier.backbone(scans, training=True)
    assert differing(classifier, before) == set()


def test_batchnorm_learns_where_it_starts_at_random(build: Build, scans: np.ndarray) -> None:
    classifier = build(freeze=False)
    before = snapshot(classifier)
    classifier(scans, training=True)
    changed = differing(classifier, before)
    assert statistics(set(before)) == changed != set()


def test_batchnorm_keeps_what_it_learned_before(
    build: Build, scans: np.ndarray, timm_folder: Callable[..., Any]
) -> None:
    classifier = build(freeze=False, weights=timm_folder())
    before = snapshot(classifier)
    classifier(scans, training=True)
    assert differing(classifier, before) == set()


def test_freezing_again_is_heeded(build: Build, scans: np.ndarray) -> None:
    classifier = build(freeze=False)
    classifier.backbone.trainable = False
    before = snapshot(classifier)
    classifier(scans, training=True)
    assert differing(classifier, before) == set()


# Stages


NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")


@pytest.fixture
def train(scans: np.ndarray) -> Callable[[Any], set[str]]:
    """Give a function that trains a classifier and returns the names in timm of the weights and buffers that moved."""
    toy = octlib.load_oct_dataset((scans, [0, 1, 2, 3, 0], list("abcde")), class_names=NAMES)

    def run(classifier: Any) -> set[str]:
        before = snapshot(classifier)
        octlib.fit(classifier, toy, epochs=1, batch_size=2, learning_rate=1e-2, progress=False)
        return {name.removeprefix("module.") for name in differing(classifier, before)}

    return run


def last_stages(classifier: Any, stages: int) -> set[str]:
    """Name the parameters of the last stages, and the buffers of the modules that they are in."""
    module = classifier.backbone.module.module
    learning = {name for stage in parameter_stages(module)[-stages:] for name in stage}
    parts = {name.rpartition(".")[0] for name in learning}
    return learning | {name for name, _ in module.named_buffers() if name.rpartition(".")[0] in parts}


@pytest.mark.parametrize("stages", [1, 2, 5])
@pytest.mark.parametrize("backbone", ["test_resnet", "test_byobnet"])
def test_the_last_stages_learn_and_no_others(build: Build, train: Any, backbone: str, stages: int) -> None:
    classifier = build(backbone)
    classifier.unfreeze(stages=stages)
    assert not classifier.frozen
    wanted = last_stages(classifier, stages)
    assert train(classifier) == wanted
    assert statistics(wanted)
    assert bool(wanted ^ set(classifier.backbone.module.module.state_dict())) == (stages < 5)


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
    moved = {name.removeprefix("module.") for name in differing(classifier, before)}
    assert moved == last_stages(classifier, 2)


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
    again = TorchBackbone.from_config(json.loads(text))
    again.module.load_state_dict(layer.module.state_dict())
    np.testing.assert_array_equal(again(scans).detach().numpy(), layer(scans).detach().numpy())
    assert (again.name, again.spec, again.pooling) == (layer.name, layer.spec, layer.pooling)
