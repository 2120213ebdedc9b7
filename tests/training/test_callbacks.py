"""Callbacks: users' ones see the whole classifier, frozen or not; ours record, keep the best and set the rate."""

from __future__ import annotations

import csv
import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import octlib
from octlib.data import match_labels
from octlib.models.keras_backend import keras
from octlib.training import callbacks as ours
from octlib.training.callbacks import BestEpoch, EpochBar, Recorder, WarmUpAndDecay, learning_rate
from octlib.training.parts import Part

both_modes = pytest.mark.parametrize("freeze", [True, False], ids=["frozen", "unfrozen"])


class Witness(keras.callbacks.Callback):
    """Writes down each event, and at each epoch's end what the classifier makes of given scans."""

    def __init__(self, images, labels):
        super().__init__()
        self.images, self.labels = images, labels
        self.events, self.models, self.losses, self.logs = [], set(), [], []

    def on_epoch_end(self, epoch, logs=None):
        self.events.append("on_epoch_end")
        self.models.add(id(self.model))
        self.logs.append(dict(logs))
        self.losses.append(self.model.evaluate(self.images, self.labels, verbose=0, return_dict=True)["loss"])


def _write_down(name):
    def event(self, *args, **logs):
        self.events.append(name)
        self.models.add(id(self.model))

    return event


for name in (
    *("on_train_begin", "on_train_end", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end"),
    *("on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end"),
):
    setattr(Witness, name, _write_down(name))


def fit(classifier, *args, **kwargs):
    augment = None if classifier.frozen else False
    return octlib.fit(classifier, *args, **{"augment": augment, "batch_size": 8, "progress": False, **kwargs})


@both_modes
def test_callbacks_see_the_whole_and_current_classifier(build, toy, freeze):
    classifier, validation = build(freeze), toy(10, seed=1)
    witness = Witness(validation.images(classifier.preprocessing), match_labels(validation, classifier.class_names))
    history = fit(classifier, toy(), validation, epochs=3, learning_rate=3e-3, callbacks=[witness])
    assert witness.models == {id(classifier)}
    assert len(set(witness.losses)) == 3
    recorded = [epoch["val_loss"] for epoch in history.epochs]
    np.testing.assert_allclose(recorded, witness.losses, rtol=1e-3)
    np.testing.assert_allclose([logs["val_loss"] for logs in witness.logs], recorded, rtol=1e-6)
    assert witness.params["epochs"] == 3
    assert witness.params["steps"] == 3


@both_modes
def test_callbacks_see_every_event(build, toy, freeze):
    witness = Witness(np.zeros((1, 32, 32), np.uint8), np.zeros(1, int))
    fit(build(freeze), toy(16), toy(8, seed=1), epochs=1, callbacks=[witness])
    assert witness.events == [
        "on_train_begin",
        "on_epoch_begin",
        *["on_train_batch_begin", "on_train_batch_end"] * 2,
        "on_test_begin",
        *["on_test_batch_begin", "on_test_batch_end"],
        "on_test_end",
        "on_epoch_end",
        "on_train_end",
    ]


@both_modes
def test_checkpoints_load_and_predict(build, toy, tmp_path, freeze):
    classifier, scans = build(freeze), toy(16)
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    fit(classifier, scans, epochs=2, learning_rate=3e-3, callbacks=[checkpoint])
    images = scans.images(classifier.preprocessing)
    first, last = (octlib.load_classifier(tmp_path / f"{epoch}.keras").predict(images, verbose=0) for epoch in (1, 2))
    np.testing.assert_allclose(last, classifier.predict(images, verbose=0), atol=1e-5)
    assert np.abs(first - last).max() > 1e-4


@both_modes
def test_early_stopping_stops(build, toy, freeze):
    stop = keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=2)
    history = fit(build(freeze), toy(16), epochs=8, callbacks=[stop])
    assert len(history.epochs) == 3
    assert history.best_epoch == 3


@both_modes
def test_a_stopped_classifier_trains_again(build, toy, freeze):
    classifier = build(freeze)
    fit(classifier, toy(16), epochs=4, callbacks=[keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=0)])
    assert len(fit(classifier, toy(16), epochs=2).epochs) == 2


@both_modes
def test_a_scheduler_sets_the_rate(build, toy, freeze):
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / (epoch + 1))
    history = fit(build(freeze), toy(16), epochs=3, learning_rate=0.006, callbacks=[scheduler])
    np.testing.assert_allclose([epoch["learning_rate"] for epoch in history.epochs], [0.006, 0.003, 0.001], rtol=1e-6)


@both_modes
def test_the_rate_that_is_set_is_the_rate_that_acts(build, toy, freeze):
    classifier = build(freeze)
    before = classifier.head.get_weights()[0]
    scheduler = keras.callbacks.LearningRateScheduler(lambda _: 0.0)
    fit(classifier, toy(16), epochs=2, learning_rate=0.1, callbacks=[scheduler])
    np.testing.assert_allclose(classifier.head.get_weights()[0], before, atol=1e-6)


@both_modes
def test_a_plateau_lowers_the_rate(build, toy, freeze):
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    history = fit(build(freeze), toy(16), epochs=4, learning_rate=0.004, callbacks=[plateau])
    rates = [epoch["learning_rate"] for epoch in history.epochs]
    np.testing.assert_allclose(rates, [0.004, 0.004, 0.002, 0.001], rtol=1e-6)


@both_modes
def test_a_callback_of_ones_own_sets_the_rate(build, toy, freeze):
    class Own(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.optimizer.learning_rate = 0.0007

    history = fit(build(freeze), toy(16), epochs=3, learning_rate=0.004, callbacks=[Own()])
    rates = [epoch["learning_rate"] for epoch in history.epochs]
    np.testing.assert_allclose(rates[1:], 0.0007, rtol=1e-6)
    assert rates[0] != pytest.approx(0.0007)


@both_modes
def test_keras_own_log_has_all_figures(build, toy, tmp_path, freeze):
    log = tmp_path / "log.csv"
    history = fit(build(freeze), toy(16), toy(8, seed=1), epochs=2, callbacks=[keras.callbacks.CSVLogger(log)])
    rows = list(csv.DictReader(io.StringIO(log.read_text())))
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert [float(row[name]) for row in rows] == pytest.approx([epoch[name] for epoch in history.epochs])


def stub(rate=0.01):
    return SimpleNamespace(optimizer=keras.optimizers.AdamW(rate))


def test_the_rate_warms_up_to_its_peak_and_decays():
    model = stub()
    callback = WarmUpAndDecay(0.01, 50)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for batch in range(50):
        callback.on_train_batch_begin(batch)
        rates.append(learning_rate(model))
    peak = int(np.argmax(rates))
    assert rates[0] == pytest.approx(0.01 / 25)
    assert rates[peak] == pytest.approx(0.01)
    assert peak == 50 * ours.WARM_UP
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()
    assert rates[-1] < 0.0001


def test_the_rate_is_somebody_elses_from_the_moment_they_set_it():
    model = stub()
    callback = WarmUpAndDecay(0.01, 50)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_train_batch_begin(0)
    model.optimizer.learning_rate = 0.5
    callback.on_train_batch_begin(1)
    callback.on_train_batch_begin(2)
    assert learning_rate(model) == 0.5


def test_the_best_epoch_is_the_one_with_the_lowest_validation_loss():
    weights = []
    restored = []
    best = BestEpoch(Part(lambda: {"all": list(weights)}, restored.append))
    with best.kept():
        for epoch, loss in enumerate((3.0, 1.0, 2.0, 1.0)):
            weights.append(epoch)
            best.on_epoch_end(epoch, {"loss": 9.0 - epoch, "val_loss": loss})
    assert best.epoch == 2
    assert restored == [{"all": [0, 1]}]


def test_a_loss_that_is_no_number_is_never_the_best():
    restored = []
    best = BestEpoch(Part(lambda: {"all": "weights"}, restored.append))
    with best.kept():
        for epoch, loss in enumerate((float("nan"), 2.0, float("nan"))):
            best.on_epoch_end(epoch, {"loss": loss, "val_loss": loss})
    assert best.epoch == 2
    assert restored == [{"all": "weights"}]


def test_without_validation_the_last_epoch_counts():
    best = BestEpoch(Part(dict, pytest.fail))
    with best.kept():
        for epoch in range(3):
            best.on_epoch_end(epoch, {"loss": float(epoch)})
    assert best.epoch == 3


class Interruption(keras.callbacks.Callback):
    """Presses Ctrl-C in the third epoch, after remembering the head of the better of the first two."""

    def __init__(self):
        super().__init__()
        self.heads, self.losses = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.heads.append(self.model.head.get_weights())
        self.losses.append(logs["val_loss"])

    def on_train_batch_end(self, batch, logs=None):
        if len(self.heads) == 2:
            raise KeyboardInterrupt


@both_modes
def test_ctrl_c_leaves_the_best_epoch_so_far_and_says_so(build, toy, freeze):
    classifier, interruption = build(freeze), Interruption()
    with pytest.raises(KeyboardInterrupt) as stopped:
        fit(classifier, toy(16), toy(8, seed=1), epochs=9, learning_rate=3e-3, callbacks=[interruption])
    best = int(np.argmin(interruption.losses))
    assert f"weights of epoch {best + 1}" in stopped.value.__notes__[0]
    for found, expected in zip(classifier.head.get_weights(), interruption.heads[best], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_recorder_leaves_keras_own_rate_out():
    recorder = Recorder()
    recorder.set_model(stub(0.25))
    recorder.on_epoch_begin(0)
    recorder.on_epoch_end(0, {"loss": np.float32(0.5), "learning_rate": 7.0})
    (figures,) = recorder.epochs
    assert figures.pop("seconds") >= 0
    assert figures == {"epoch": 1, "loss": 0.5, "learning_rate": 0.25}


@pytest.mark.parametrize("show", [True, False])
def test_the_bar_counts_batches_where_it_is_wanted(monkeypatch, show):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    bar = EpochBar(6, show)
    bar.on_train_begin()
    for batch in range(4):
        bar.on_train_batch_end(batch)
    bar.on_train_end()
    assert ("/6" in stream.getvalue()) is show


class Spoiler(keras.callbacks.Callback):
    """Puts other weights into the classifier at the end, as EarlyStopping(restore_best_weights=True) does."""

    def on_train_end(self, logs=None):
        self.model.head.set_weights([np.zeros_like(weight) for weight in self.model.head.get_weights()])


@both_modes
def test_the_best_epoch_is_kept_whatever_callbacks_do_at_the_end(build, toy, freeze):
    classifier = build(freeze)
    history = fit(classifier, toy(16), toy(8, seed=1), epochs=2, callbacks=[Spoiler()])
    assert np.abs(classifier.head.get_weights()[0]).max() > 0
    assert history.best_epoch in (1, 2)
