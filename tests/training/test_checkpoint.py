"""Checkpoint: a run that was broken off ends as if it had not been, and no other run is taken for it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import octlib
from octlib.errors import CheckpointError
from octlib.models.keras_backend import keras
from octlib.training.checkpoint import FILE

both_modes = pytest.mark.parametrize("freeze", [True, False], ids=["frozen", "unfrozen"])


class Break(keras.callbacks.Callback):
    """Presses Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.epochs = epoch, []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)

    def on_train_batch_end(self, batch, logs=None):
        if self.epochs[-1] == self.epoch and batch == 1:
            raise KeyboardInterrupt


@pytest.fixture
def run(build, toy, tmp_path):
    """Give a function that builds a classifier and fits it with a checkpoint; returns both."""

    def make(freeze, *, classifier=None, train=None, validation=True, **kwargs):
        classifier = classifier or build(freeze, dropout=0.3)
        arguments = {"epochs": 5, "batch_size": 8, "learning_rate": 2e-3, "progress": False, "seed": 4}
        history = octlib.fit(
            classifier,
            toy(28) if train is None else train,
            toy(12, seed=1) if validation else None,
            **{"checkpoint": tmp_path / "run", **arguments, **kwargs},
        )
        return classifier, history

    return make


def figures(history):
    return [{name: value for name, value in epoch.items() if name != "seconds"} for epoch in history.epochs]


@both_modes
@pytest.mark.parametrize("validation", [True, False])
def test_a_run_that_goes_on_ends_like_one_without_a_break(run, snapshot, freeze, validation):
    whole, expected = run(freeze, validation=validation, checkpoint=None)
    with pytest.raises(KeyboardInterrupt):
        run(freeze, validation=validation, callbacks=[Break(2)])
    with pytest.raises(KeyboardInterrupt):
        run(freeze, validation=validation, resume=True, callbacks=[Break(4)])
    resumed, history = run(freeze, validation=validation, resume=True)
    assert figures(history) == figures(expected)
    assert history.best_epoch == expected.best_epoch
    assert snapshot(resumed) == snapshot(whole)


@both_modes
@pytest.mark.parametrize("validation", [True, False])
@pytest.mark.parametrize("class_weight", ["balanced", "logit_adjustment"])
def test_a_finished_run_is_not_trained_again_and_gives_its_classifier(run, snapshot, freeze, validation, class_weight):
    finished, expected = run(freeze, validation=validation, class_weight=class_weight)
    for _ in range(2):
        watch = Break(None)
        settings = {"validation": validation, "class_weight": class_weight, "callbacks": [watch]}
        again, history = run(freeze, resume=True, **settings)
        assert watch.epochs == []
        assert snapshot(again) == snapshot(finished)
        assert history.epochs == expected.epochs
        assert history.best_epoch == expected.best_epoch


@both_modes
def test_a_run_that_is_resumed_and_stopped_at_once_is_where_it_was(run, snapshot, freeze):
    """Not at its beginning: Ctrl-C in the first batch after a break must not cost what was learned."""
    states = []

    class Note(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            states.append(snapshot(self.model))

        def on_train_begin(self, logs=None):
            if states:
                assert snapshot(self.model) == states[-1]
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(freeze, validation=False, callbacks=[Note(), Break(2)])
    with pytest.raises(KeyboardInterrupt):
        run(freeze, validation=False, resume=True, callbacks=[Note()])
    assert len(states) == 2


@both_modes
def test_random_numbers_go_on_where_they_stood(run, freeze):
    """A network with stochastic depth draws torch's while it trains."""

    class Draw(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.drawn = {}

        def on_epoch_begin(self, epoch, logs=None):
            self.drawn[epoch] = torch.rand(1).item()

    whole, resumed = Draw(), Draw()
    run(freeze, checkpoint=None, callbacks=[whole])
    with pytest.raises(KeyboardInterrupt):
        run(freeze, callbacks=[Draw(), Break(2)])
    run(freeze, resume=True, callbacks=[resumed])
    assert resumed.drawn == {epoch: number for epoch, number in whole.drawn.items() if epoch >= 2}


@both_modes
def test_a_run_that_stopped_early_stays_stopped(run, freeze):
    stop = keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=1)
    _, stopped = run(freeze, callbacks=[stop])
    assert len(stopped.epochs) == 2
    assert len(run(freeze, resume=True)[1].epochs) == 2


@both_modes
def test_what_callbacks_put_back_at_the_end_stays(run, snapshot, freeze):
    stop = keras.callbacks.EarlyStopping("loss", mode="max", patience=2, restore_best_weights=True)
    stopped, _ = run(freeze, validation=False, callbacks=[stop])
    assert stop.stopped_epoch > 0  # it did stop, and before the last epoch
    assert snapshot(run(freeze, validation=False, resume=True)[0]) == snapshot(stopped)


@both_modes
def test_a_classifier_that_was_trained_before_goes_on_from_there(run, build, toy, tmp_path, snapshot, freeze):
    def trained():
        classifier = build(False, dropout=0.3)
        octlib.fit(classifier, toy(16, seed=2), epochs=1, progress=False)
        classifier.save(tmp_path / "trained", overwrite=True)
        classifier = octlib.load_classifier(tmp_path / "trained")
        if freeze:
            classifier.backbone.trainable = False
        return classifier

    whole, _ = run(freeze, classifier=trained(), checkpoint=None)
    with pytest.raises(KeyboardInterrupt):
        run(freeze, classifier=trained(), callbacks=[Break(2)])
    assert snapshot(run(freeze, classifier=trained(), resume=True)[0]) == snapshot(whole)
    with pytest.raises(CheckpointError, match="classifier's weights"):
        run(freeze, resume=True)


def test_what_a_killed_run_left_half_written_is_removed(run, tmp_path):
    part = tmp_path / "run" / ".training-0123abcd.part.safetensors"
    part.parent.mkdir()
    part.touch()
    run(True)
    assert [file.name for file in part.parent.iterdir()] == [FILE]


def test_logits_stay_adjusted(run, snapshot):
    whole, _ = run(True, checkpoint=None, class_weight="logit_adjustment")
    with pytest.raises(KeyboardInterrupt):
        run(True, class_weight="logit_adjustment", callbacks=[Break(2)])
    assert snapshot(run(True, class_weight="logit_adjustment", resume=True)[0]) == snapshot(whole)


def test_without_a_checkpoint_resuming_starts_a_run(run, snapshot):
    assert snapshot(run(True, resume=True)[0]) == snapshot(run(True, checkpoint=None)[0])


def test_a_run_that_is_there_is_not_overwritten(run, tmp_path):
    run(True)
    before = (tmp_path / "run" / FILE).read_bytes()
    with pytest.raises(CheckpointError, match=r"holds the checkpoint of a run.*resume=True"):
        run(True, epochs=2)
    assert (tmp_path / "run" / FILE).read_bytes() == before


def test_resuming_needs_a_folder(run):
    with pytest.raises(CheckpointError, match="checkpoint=FOLDER"):
        run(True, checkpoint=None, resume=True)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"epochs": 7}, "epochs 5, now 7"),
        ({"seed": 5}, "seed 4, now 5"),
        ({"learning_rate": 1e-3}, r"learning_rate 0\.002, now 0\.001"),
        ({"cache": "float16"}, "cache 'exact', now 'float16'"),
        ({"class_weight": None}, r"class_weight \[1\.0, 1\.0, 1\.0, 1\.0\], now None"),
        ({"validation": False}, "validation_scans '.*', now None"),
    ],
)
def test_another_run_is_refused(run, snapshot, build, change, named):
    run(True)
    classifier = build(dropout=0.3)
    before = snapshot(classifier)
    with pytest.raises(CheckpointError, match=f"checkpoint of another run: {named}"):
        run(True, resume=True, classifier=classifier, **change)
    assert snapshot(classifier) == before


def test_another_classifier_is_another_run(run, build):
    run(True)
    with pytest.raises(CheckpointError, match=r"another run: classifier's dropout 0\.3, now 0\.1\. Use"):
        run(True, resume=True, classifier=build(dropout=0.1))


def test_other_scans_are_another_run(run, toy):
    run(True)
    with pytest.raises(CheckpointError, match=r"training_scans"):
        run(True, resume=True, train=toy(32))


@both_modes
def test_other_scans_of_the_same_names_and_labels_are_another_run(run, toy, freeze):
    run(freeze)
    scans = toy(28)
    images = scans.images(32)
    images[27, 0, 0] += 1
    other = octlib.load_oct_dataset((images, scans.labels, list(scans.patients)), class_names=list(scans.class_names))
    assert list(other.names) == list(scans.names)
    with pytest.raises(CheckpointError, match=r"another run: training_scans '\w+', now '\w+'\."):
        run(freeze, resume=True, train=other)


def test_scans_may_have_moved(run, toy, tmp_path, snapshot):
    from PIL import Image

    parts = []
    for folder in ("here", "there"):
        for number, (image, label) in enumerate(zip(toy(28).images(32), toy(28).labels, strict=True)):
            (tmp_path / folder / toy().class_names[label]).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(tmp_path / folder / toy().class_names[label] / f"{number}.png")
        parts.append(octlib.load_oct_dataset(tmp_path / folder))
    finished, _ = run(True, train=parts[0])
    assert snapshot(run(True, train=parts[1], resume=True)[0]) == snapshot(finished)


@both_modes
@pytest.mark.parametrize("place", ["backbone", "buffer", "head"])
def test_other_weights_are_another_run(run, build, freeze, place):
    run(freeze)
    classifier = build(freeze, dropout=0.3)
    before = classifier.get_config()
    if place == "buffer":
        classifier.backbone.module.module.bn1.running_mean.fill_(0.5)
    else:
        variable = classifier.head.bias if place == "head" else classifier.backbone.variables[0]
        variable.assign(variable + 1e-3)
    assert classifier.get_config() == before
    with pytest.raises(CheckpointError, match=r"another run: classifier's weights '\w+', now '\w+'\. Use the same"):
        run(freeze, resume=True, classifier=classifier)


def test_another_run_is_refused_before_scans_are_passed_on(run, build):
    run(True)
    classifier = build(dropout=0.3)
    classifier.backbone.module.register_forward_hook(lambda *_: pytest.fail("passed scans through the backbone"))
    with pytest.raises(CheckpointError, match="seed 4, now 5"):
        run(True, resume=True, classifier=classifier, seed=5, cache=False)


def test_a_checkpoint_is_not_replaced_and_costs_no_look_at_scans(run):
    run(True)
    with pytest.raises(CheckpointError, match="resume=True"):
        run(True, train="no/such/folder")


@pytest.mark.parametrize("damage", [lambda content: content[:2000], lambda _: b"", lambda content: b"x" + content])
def test_a_damaged_checkpoint_is_named(run, tmp_path, damage):
    run(True)
    file = tmp_path / "run" / FILE
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(CheckpointError, match=rf"{FILE} is damaged.*Remove it to start anew"):
        run(True, resume=True)


def test_weights_of_somebody_elses_are_no_checkpoint(run, tmp_path):
    from safetensors.numpy import save_file

    (tmp_path / "run").mkdir()
    save_file({"weights/0": np.zeros(3, np.float32)}, tmp_path / "run" / FILE)
    with pytest.raises(CheckpointError, match="not a checkpoint of octlib"):
        run(True, resume=True)
