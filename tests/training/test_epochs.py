"""Epochs: every one that is left, measured alike, seen by everybody who should see it."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from safetensors import safe_open

import octlib
from octlib.models.keras_backend import keras
from octlib.training.batches import Batches
from octlib.training.checkpoint import FILE

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")
both_modes = pytest.mark.parametrize("freeze", [True, False], ids=["frozen", "unfrozen"])


@both_modes
def test_the_checkpoint_keeps_what_the_users_callbacks_have_done(build, toy, tmp_path, freeze):
    """A rate that a callback sets at the end of an epoch has to be the rate of the next one, after a break too."""

    class Halve(keras.callbacks.LearningRateScheduler):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.125

    octlib.fit(
        build(freeze), toy(16), epochs=1, checkpoint=tmp_path, callbacks=[Halve(lambda _, rate: rate)], progress=False
    )
    with safe_open(tmp_path / FILE, framework="numpy") as content:
        optimizer = [content.get_tensor(key) for key in content.keys() if key.startswith("optimizer/")]  # noqa: SIM118
    assert any(value.shape == () and value == 0.125 for value in optimizer)


@both_modes
def test_no_thread_outlives_a_training(build, toy, freeze, monkeypatch):
    kept = []  # else they would go with the batches

    class Kept(Batches):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            kept.append(self)

    monkeypatch.setattr("octlib.training.epochs.Batches", Kept)
    before = set(threading.enumerate())
    scans = toy(24)
    octlib.fit(build(freeze), scans[:16], scans[16:], epochs=1, batch_size=4, progress=False)
    assert len(kept) == 2
    assert not [thread for thread in set(threading.enumerate()) - before if "ThreadPoolExecutor" in thread.name]


@both_modes
def test_a_stop_in_the_middle_of_an_epoch_is_heeded(build, toy, freeze):
    class Stop(keras.callbacks.Callback):
        batches = 0

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1
            self.model.stop_training = True

    stop = Stop()
    history = octlib.fit(build(freeze), toy(24), epochs=3, batch_size=8, callbacks=[stop], progress=False)
    assert stop.batches == 1
    assert len(history.epochs) == 1


@both_modes
@pytest.mark.parametrize(
    "class_weight", ["balanced", {"CNV": 9, "DME": 1, "DRUSEN": 1, "NORMAL": 1}, "logit_adjustment"]
)
def test_the_two_losses_can_be_compared(build, toy, freeze, class_weight):
    """On the same scans, a classifier that has stopped learning has the same loss in training and in validation."""
    scans = toy(32)
    unequal = scans.subset([*range(16), *range(16, 32, 4)])  # eight of CNV, four of all others
    classifier = build(freeze)
    classifier.head.kernel.assign(np.random.default_rng(0).normal(0, 0.1, classifier.head.kernel.shape))
    arguments = {"epochs": 1, "augment": False, "batch_size": 10, "learning_rate": 1e-12, "progress": False}
    with pytest.warns(octlib.errors.LeakageWarning):
        (epoch,) = octlib.fit(classifier, unequal, unequal, class_weight=class_weight, **arguments).epochs
    # In training, a batch has its own BatchNorm statistics where they are not fixed.
    assert epoch["val_loss"] == pytest.approx(epoch["loss"], rel=1e-4 if freeze else 0.1)
