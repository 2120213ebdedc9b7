"""Batches: every scan once an epoch, in an order that the seed alone decides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from octlib.data import match_labels
from octlib.training import batches as module
from octlib.training.augmentation import augment_scans
from octlib.training.batches import ScanBatches
from octlib.training.recipe import Recipe

N = 22


@pytest.fixture
def make(toy, build):
    scans, classifier = toy(N), build()
    labels = match_labels(scans, classifier.class_names)

    def batches(*, training=True, seed=0, augment=None, class_weight=None):
        recipe = Recipe(
            epochs=1,
            batch_size=5,
            learning_rate=1e-3,
            class_weight=class_weight,
            augment=augment,
            callbacks=(),
            seed=seed,
            progress=False,
        )
        return ScanBatches(classifier, scans, labels, recipe, training=training)

    return batches


def epoch(batches):
    """Return all scans and all labels of an epoch, in their order."""
    parts = [batches[index] for index in range(len(batches))]
    return tuple(np.concatenate(values) for values in zip(*parts, strict=True))


def test_every_scan_comes_once_with_its_label(make, toy):
    batches = make()
    assert len(batches) == 5
    assert [len(batches[index][0]) for index in range(5)] == [5, 5, 5, 5, 2]
    known = {scan.tobytes(): label for scan, label in zip(toy(N).images(32), toy(N).labels, strict=True)}
    for _ in range(2):
        images, labels = epoch(batches)
        assert images.dtype == np.uint8
        assert {image.tobytes() for image in images} == set(known)
        assert [known[image.tobytes()] for image in images] == labels.tolist()
        batches.on_epoch_end()


def test_each_epoch_and_each_seed_have_their_own_order(make):
    one, same, other = make(), make(), make(seed=1)
    first = epoch(one)[0]
    np.testing.assert_array_equal(first, epoch(same)[0])
    assert (first != epoch(other)[0]).any()
    one.on_epoch_end()
    assert (first != epoch(one)[0]).any()
    same.on_epoch_end()
    np.testing.assert_array_equal(epoch(one)[0], epoch(same)[0])


def test_threads_that_come_by_in_another_order_change_nothing(make):
    batches = make(augment=augment_scans)
    expected = epoch(batches)[0]
    with ThreadPoolExecutor(4) as pool:
        futures = {index: pool.submit(batches.__getitem__, index) for index in (4, 2, 0, 3, 1)}
        found = np.concatenate([futures[index].result()[0] for index in range(5)])
    np.testing.assert_array_equal(found, expected)


def test_augmentation_differs_between_epochs_and_batches(make):
    seen = []

    def augment(scans, rng):
        seen.append(float(rng.random()))
        return scans

    batches = make(augment=augment)
    epoch(batches)
    batches.on_epoch_end()
    epoch(batches)
    assert len(set(seen)) == len(seen) == 10


@pytest.mark.parametrize("training", [True, False])
def test_large_datasets_are_read_anew_to_the_same_effect(make, monkeypatch, training):
    held = make(training=training, augment=augment_scans)
    monkeypatch.setattr(module, "HELD_IN_MEMORY", 0)
    read = make(training=training, augment=augment_scans)
    assert held._held is not None
    assert read._held is None
    for _ in range(2):
        for one, other in zip(epoch(held), epoch(read), strict=True):
            np.testing.assert_array_equal(one, other)
        held.on_epoch_end()
        read.on_epoch_end()


def test_validation_scans_are_taken_as_they_are(make, toy):
    batches = make(training=False, augment=augment_scans, class_weight=dict.fromkeys(range(4), 2.0))
    for _ in range(2):
        images, labels = epoch(batches)
        np.testing.assert_array_equal(images, toy(N).images(32))
        np.testing.assert_array_equal(labels, toy(N).labels)
        batches.on_epoch_end()


def test_weights_follow_the_labels(make):
    _, labels, weights = epoch(make(class_weight={0: 0.5, 1: 1.0, 2: 2.0, 3: 4.0}))
    np.testing.assert_array_equal(weights, np.array([0.5, 1, 2, 4])[labels])
