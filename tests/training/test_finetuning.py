"""Fine-tuning: all of the classifier learns, BatchNorm's statistics come back with the best epoch."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import octlib
from octlib.data import match_labels
from octlib.models.keras_backend import keras


def fit(classifier, *args, **kwargs):
    return octlib.fit(classifier, *args, **{"batch_size": 8, "augment": False, "progress": False, **kwargs})


def test_all_of_it_learns(build, toy, snapshot):
    classifier = build(False)
    before = snapshot(classifier)
    history = fit(classifier, toy(40), epochs=6, learning_rate=3e-3)
    changed = {name for name, value in snapshot(classifier).items() if value != before[name]}
    assert {"conv1.0.weight", "layer4.0.bn1.weight", "layer4.0.bn1.running_mean", "fc.weight", "fc.bias"} <= changed
    assert history.epochs[-1]["accuracy"] > 0.9
    assert history.epochs[0]["loss"] > 2 * history.epochs[-1]["loss"]


def test_fixed_statistics_stay_while_the_weights_learn(build, toy, tmp_path, snapshot):
    classifier = octlib.build_classifier("test_resnet", False, weights=_timm_folder(build(), tmp_path), image_size=32)
    before = snapshot(classifier)
    fit(classifier, toy(16), epochs=1, learning_rate=3e-3)
    after = snapshot(classifier)
    assert after["layer4.0.bn1.running_mean"] == before["layer4.0.bn1.running_mean"]
    assert after["layer4.0.bn1.weight"] != before["layer4.0.bn1.weight"]


def _timm_folder(classifier, folder):
    """Write a classifier's backbone as a weights file, which counts as trained."""
    from safetensors.torch import save_file

    weights = {name: value.contiguous() for name, value in classifier.backbone.module.module.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    return folder / "weights.safetensors"


def test_every_scan_is_trained_on_once_an_epoch(build, toy):
    classifier, scans = build(False), toy(22)
    epochs = []

    class Mark(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            epochs.append([])

    def see(module, inputs):
        if epochs:
            epochs[-1].extend(scan.tobytes() for scan in inputs[0].numpy())

    classifier.backbone.module.register_forward_pre_hook(see)
    fit(classifier, scans, epochs=3, callbacks=[Mark()])
    expected = collections.Counter(scan.tobytes() for scan in scans.images(classifier.preprocessing))
    assert [collections.Counter(epoch) for epoch in epochs] == [expected] * 3
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_best_epoch_comes_back_with_its_statistics(build, toy):
    """On validation scans whose labels are wrong, learning makes everything worse: the first epoch is the best."""
    classifier, validation = build(False), toy(16, seed=1, rotated=1)
    history = fit(classifier, toy(40), validation, epochs=8, learning_rate=1e-2)
    losses = [epoch["val_loss"] for epoch in history.epochs]
    assert history.best_epoch == int(np.argmin(losses)) + 1 < len(losses)
    labels = match_labels(validation, classifier.class_names)
    found = classifier.evaluate(validation.images(classifier.preprocessing), labels, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(min(losses), rel=1e-3)
    assert found["loss"] < losses[-1] - 0.01


def test_the_rate_rises_and_falls(build, toy):
    history = fit(build(False), toy(16), epochs=6, learning_rate=1e-3)
    rates = [epoch["learning_rate"] for epoch in history.epochs]
    assert max(rates) <= 1e-3 * (1 + 1e-6)
    assert (np.diff(rates) < 0).all()
    assert rates[-1] < 1e-4


@pytest.mark.parametrize("augment", [None, True])
def test_scans_are_augmented_unless_told_otherwise(build, toy, snapshot, augment):
    plain, augmented = build(False), build(False)
    fit(plain, toy(16), epochs=1)
    fit(augmented, toy(16), epochs=1, augment=augment)
    assert snapshot(plain) != snapshot(augmented)


def test_a_function_of_ones_own_augments(build, toy):
    seen = []

    def augment(scans, rng):
        seen.append((scans.shape[1:], scans.dtype, isinstance(rng, np.random.Generator)))
        return np.zeros_like(scans)

    classifier = build(False)
    inputs = []
    classifier.backbone.module.register_forward_pre_hook(lambda module, given: inputs.append(given[0].max().item()))
    fit(classifier, toy(16), epochs=1, augment=augment)
    assert set(seen) == {((32, 32), np.dtype(np.uint8), True)}
    assert inputs[-1] == 0
