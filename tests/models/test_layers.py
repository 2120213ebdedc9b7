"""Keras layers: a frozen backbone that is frozen, and one that learns."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from octlib.models.layers import TimmBackbone

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


@pytest.mark.parametrize("head", ["average", "flatten"])
def test_the_shape_of_the_features_is_known_beforehand(build: Build, scans: np.ndarray, head: str) -> None:
    layer = build(head=head).backbone
    assert layer.compute_output_shape((None, 64, 64)) == (None, layer.n_features)
    assert tuple(layer(scans).shape) == layer.compute_output_shape(scans.shape)


def test_the_configuration_holds_no_weights_and_builds_the_layer_again(build: Build, scans: np.ndarray) -> None:
    layer = build().backbone
    text = json.dumps(layer.get_config())
    assert len(text) < 1000
    again = TimmBackbone.from_config(json.loads(text))
    again.module.load_state_dict(layer.module.state_dict())
    np.testing.assert_array_equal(again(scans).detach().numpy(), layer(scans).detach().numpy())
    assert (again.name, again.spec, again.head) == (layer.name, layer.spec, layer.head)
