"""Batches: every scan once an epoch, in an order that the seed alone decides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import octlib
from octlib.data import match_labels
from octlib.models.keras_backend import keras
from octlib.training import batches as module
from octlib.training.augmentation import augment_scans
from octlib.training.batches import Batches, scan_rows
from octlib.training.epochs import Accuracy
from octlib.training.imbalance import adjusted_crossentropy

N = 22


@pytest.fixture
def make(toy, build):
    scans, classifier = toy(N), build()
    labels = match_labels(scans, classifier.class_names)

    def batches(*, training=True, seed=0, augment=None, weights=None):
        rows = scan_rows(classifier, scans, augment)
        return Batches(rows, labels, weights=weights, batch_size=5, seed=seed, shuffled=training)

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
    for _ in range(2):
        for one, other in zip(epoch(held), epoch(read), strict=True):
            np.testing.assert_array_equal(one, other)
        held.on_epoch_end()
        read.on_epoch_end()


def test_what_fits_in_memory_is_read_once_and_what_does_not_in_every_epoch(build, tmp_path, monkeypatch):
    for number in range(6):
        Image.fromarray(np.full((40, 40), 10 * number, np.uint8)).save(tmp_path / f"{number}.png")
    scans, classifier = octlib.load_oct_dataset(tmp_path, layout="flat"), build()
    held = scan_rows(classifier, scans)
    monkeypatch.setattr(module, "HELD_IN_MEMORY", 0)
    read = scan_rows(classifier, scans)
    for number in (2, 4):
        (tmp_path / f"{number}.png").write_bytes(b"no image")
    rng = np.random.default_rng(0)
    assert held(np.array([4]), rng).mean() == 40
    with pytest.raises(ValueError, match=r"4\.png"):
        read(np.array([1, 4]), rng)


def test_validation_scans_are_taken_as_they_are(make, toy):
    batches = make(training=False)
    for _ in range(2):
        images, labels = epoch(batches)
        np.testing.assert_array_equal(images, toy(N).images(32))
        np.testing.assert_array_equal(labels, toy(N).labels)
        batches.on_epoch_end()


def test_a_run_that_goes_on_draws_what_it_would_have_drawn(make):
    whole, resumed = make(augment=augment_scans), make(augment=augment_scans)
    for _ in range(3):
        whole.on_epoch_end()
    resumed.start_at(3)
    np.testing.assert_array_equal(epoch(whole)[0], epoch(resumed)[0])


def test_weights_follow_their_rows(make):
    weights = np.arange(N, dtype=np.float32)
    images, _, found = epoch(make(weights=weights))
    expected = {image.tobytes(): weight for image, weight in zip(epoch(make(training=False))[0], weights, strict=True)}
    assert [expected[image.tobytes()] for image in images] == found.tolist()


def test_a_batch_that_devices_can_share_has_the_same_mean_loss_and_accuracy():
    targets = np.eye(3, dtype=np.float32)[[0, 1, 2, 1, 0]]
    given = {"rows": lambda chosen, _: chosen[:, None], "batch_size": 4, "weights": np.arange(1, 6, dtype=np.float32)}
    whole, shared = Batches(targets=targets, **given), Batches(targets=targets, multiple=4, **given)
    logits = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    accuracies = Accuracy(), Accuracy()
    for index in range(2):
        losses = []
        for batches, accuracy in zip((whole, shared), accuracies, strict=True):
            rows, wanted, weights = batches[index]
            given_logits = logits[rows[:, 0]]
            loss = keras.ops.convert_to_numpy(adjusted_crossentropy(None)(wanted, given_logits))
            losses.append(np.mean(loss * weights))
            accuracy.update_state(wanted, given_logits)
        assert len(shared[index][0]) == 4
        np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    assert float(accuracies[0].result()) == float(accuracies[1].result())
