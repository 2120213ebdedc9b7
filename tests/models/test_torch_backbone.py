"""Torch backbone: a frozen one that is frozen, one that learns, and what Keras would do otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from octlib.models.layers import backbone_layer
from octlib.models.torch_backbone import TorchBackbone

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


def test_torch_runs_timms_own_module(build: Build, scans: np.ndarray, timm_features: Callable[..., np.ndarray]) -> None:
    assert backbone_layer() is TorchBackbone
    classifier = build()
    module = classifier.backbone.module.module
    np.testing.assert_allclose(classifier.extract(scans), timm_features(module, scans), rtol=1e-5, atol=1e-5)


def test_what_torch_changes_in_place_is_in_the_state(build: Build) -> None:
    backbone = build().backbone
    backbone.module.module.bn1.running_mean.fill_(0.5)
    assert np.all(backbone.state()["bn1.running_mean"] == 0.5)


def test_a_module_for_torch_is_a_copy_that_can_learn(build: Build, scans: np.ndarray) -> None:
    backbone = build().backbone
    copied = backbone.to_torch()
    assert all(parameter.requires_grad for parameter in copied.parameters())
    with torch.no_grad():
        copied.module.conv1[0].weight.fill_(0)
    assert np.any(backbone.state()["conv1.0.weight"] != 0)
    assert not any(variable.trainable and backbone.trainable for variable in backbone.parameters.values())


def test_a_size_that_the_architecture_forbids_is_named(build: Build) -> None:
    with pytest.raises(ValueError, match="test_vit cannot take scans of 65 x 65 pixels: .*It takes 64 x 64"):
        build("test_vit", image_size=65)
