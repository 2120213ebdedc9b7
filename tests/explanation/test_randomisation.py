"""Randomisation: a method that shows edges of the scan fails; one that asks the network passes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import octlib
from octlib.explanation import METHODS, randomisation_test
from octlib.models.state import take_state

SIZE = (64, 96)


def edges(module, scans, classes, layer):
    """The planted fault: how steep the greys of the scan are, whatever the network knows."""
    rows, columns = np.gradient(scans[:, 0].numpy(), axis=(1, 2))
    sizes = np.hypot(rows, columns)
    return (sizes / sizes.max(axis=(1, 2), keepdims=True)).astype(np.float32)


def nothing(module, scans, classes, layer):
    return np.zeros((len(scans), *SIZE), np.float32)


@pytest.fixture(scope="module")
def scans():
    return octlib.load_oct_dataset("phantoms").sample(4)


@pytest.mark.parametrize("backbone", ["resnet10t", "test_vit"])
def test_an_edge_detector_fails_at_every_step(build, backbone, scans, monkeypatch):
    monkeypatch.setitem(METHODS, "edges", edges)
    result = randomisation_test(build(backbone, SIZE), scans, method="edges", cascade=True, draws=1)
    assert not result.passed
    assert min(result.stages.values()) > 0.99
    assert "failed" in repr(result)


def test_gradcam_passes_and_the_classifier_stays_as_it_was(scans):
    classifier = octlib.build_classifier("octlib", image_size=96)
    before = take_state(classifier)
    result = randomisation_test(classifier, scans, target="CNV")
    assert result.passed
    assert result.similarity < 0.5
    assert "passed" in repr(result)
    after = take_state(classifier)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    once = [randomisation_test(classifier, scans, target="CNV", draws=1, seed=seed).similarity for seed in (0, 0, 1)]
    assert once[0] == pytest.approx(once[1], abs=1e-6)
    assert once[0] != once[2]


def test_a_cascade_reaches_the_head_first_and_everything_in_the_end(build, scans, monkeypatch):
    classifier = build("resnet10t", SIZE)
    trained = classifier.to_torch().state_dict()
    seen = []

    def watched(module, images, classes, layer):
        state = module.state_dict()
        seen.append({name for name in trained if not np.array_equal(trained[name], state[name])})
        return edges(module, images, classes, layer)

    monkeypatch.setitem(METHODS, "watched", watched)
    result = randomisation_test(classifier, scans, method="watched", cascade=True, draws=1)
    assert list(result.stages) == ["head", "stage 5", "stage 4", "stage 3", "stage 2", "all"]
    changed = seen[1:]  # the first map is that of the classifier itself
    assert seen[0] == set()
    assert changed[0] == {"head.weight"}
    assert all(early < late for early, late in pairwise(changed))
    assert not any("layer3" in name for name in changed[1])
    assert {name for name, value in trained.items() if value.ndim > 1} == changed[-1]
    at_once = randomisation_test(classifier, scans, method="watched", draws=1)
    assert list(at_once.stages) == ["all"]
    assert seen[-1] == changed[-1]


def test_activations_keep_their_size(build, scans, monkeypatch):
    """Else maps would vanish, and any method would pass."""
    sizes = []

    def watched(module, images, classes, layer):
        sizes.append(float(module.backbone(images).std()))
        return edges(module, images, classes, layer)

    monkeypatch.setitem(METHODS, "watched", watched)
    randomisation_test(build("mobilenetv2_050", SIZE), scans, method="watched", draws=1)
    assert 0.1 < sizes[1] / sizes[0] < 10


def test_the_weights_of_two_backbones_and_of_lora_are_drawn_anew(build, scans, monkeypatch):
    found = []

    def watched(module, images, classes, layer):
        found.append(module.state_dict())
        return edges(module, images, classes, layer)

    monkeypatch.setitem(METHODS, "watched", watched)
    for classifier, name in (
        (build(("resnet10t", "test_convnext"), SIZE), "stem.0.weight"),
        (build("test_vit", SIZE, lora=4), "blocks.0.mlp.fc1.weight"),
    ):
        found.clear()
        randomisation_test(classifier, scans, method="watched", draws=1)
        matching = [(one, other) for one in found[:2] for other in found[2:] or found[1:] if one.keys() == other.keys()]
        key = next(each for one, _ in matching for each in one if each.endswith(name))
        assert any(key in one and not np.array_equal(one[key], other[key]) for one, other in matching)


def test_maps_without_a_signal_fail(build, scans, monkeypatch):
    monkeypatch.setitem(METHODS, "nothing", nothing)
    result = randomisation_test(build("resnet10t", SIZE), scans, method="nothing", draws=1)
    assert not result.passed
    assert np.isnan(result.similarity)
    assert "failed: no map" in repr(result)


def test_wrong_arguments_are_refused(build, scans):
    classifier = build("resnet10t", SIZE)
    with pytest.raises(ValueError, match="did you mean 'gradcam'"):
        randomisation_test(classifier, scans, method="gradcan")
    with pytest.raises(ValueError, match="draws must be a whole number from 1 on, got 0"):
        randomisation_test(classifier, scans, draws=0)
    with pytest.raises(ValueError, match="seed must be"):
        randomisation_test(classifier, scans, seed=-1)
    with pytest.raises(TypeError, match="The classifier comes first"):
        randomisation_test(scans, classifier)
