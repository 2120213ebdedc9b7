"""Fit: what a frozen and an unfrozen classifier have in common, and that frozen means frozen."""

from __future__ import annotations

import collections
import inspect
import random
import sys

import numpy as np
import pytest
import torch

import octlib
from octlib.data import match_labels
from octlib.errors import AugmentationError, LeakageWarning
from octlib.models.keras_backend import keras
from octlib.training.finetuning import LABEL_SMOOTHING

both_modes = pytest.mark.parametrize("freeze", [True, False], ids=["frozen", "unfrozen"])


def fit(classifier, *args, **kwargs):
    return octlib.fit(classifier, *args, **{"batch_size": 8, "progress": False, **kwargs})


def loss_of(classifier, scans):
    """Measure the loss on validation scans as training is measured."""
    smoothing = 0.0 if classifier.frozen else LABEL_SMOOTHING
    targets = (1 - smoothing) * np.eye(4)[match_labels(scans, classifier.class_names)] + smoothing / 4
    return -(targets * np.log(classifier.predict(scans.images(classifier.preprocessing), verbose=0))).sum(1).mean()


def test_signature_is_the_contracts():
    parameters = inspect.signature(octlib.fit).parameters.values()
    keywords = {item.name: item.default for item in parameters if item.kind is item.KEYWORD_ONLY}
    assert [item.name for item in parameters if item.kind is item.POSITIONAL_OR_KEYWORD] == [
        "classifier",
        "train",
        "validation",
    ]
    assert keywords == {
        "epochs": None,
        "batch_size": 32,
        "learning_rate": None,
        "layer_decay": 1.0,
        "l2": None,
        "class_weight": "balanced",
        "augment": None,
        "cache": True,
        "checkpoint": None,
        "resume": False,
        "callbacks": (),
        "seed": 0,
        "progress": None,
    }


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_a_frozen_backbone_is_bit_equal_whatever_is_done(build, toy, backbone_state):
    classifier, scans = build(dropout=0.2), toy(16)
    before = backbone_state(classifier)
    assert any(name.endswith("running_var") for name in before)
    fit(classifier, scans, toy(8, seed=1), epochs=3)
    octlib.evaluate(classifier, scans)
    octlib.predict(classifier, scans)
    octlib.explain(classifier, scans.sample(2))
    images = scans.images(classifier.preprocessing)
    classifier(images, training=True)
    classifier.fit(images, scans.labels, verbose=0)
    assert backbone_state(classifier) == before
    assert classifier.frozen


@pytest.mark.parametrize("epochs", [1, 7])
def test_each_scan_passes_a_frozen_backbone_once(build, toy, epochs):
    classifier, train, validation = build(), toy(20), toy(8, seed=1)
    seen = collections.Counter()

    def count(module, inputs, output):
        seen.update(scan.tobytes() for scan in inputs[0].numpy())

    classifier.backbone.module.register_forward_hook(count)
    fit(classifier, train, validation, epochs=epochs)
    expected = [scan.tobytes() for part in (train, validation) for scan in part.images(classifier.preprocessing)]
    assert seen == collections.Counter(expected)


def test_a_head_learns_what_can_be_learned(build, toy):
    classifier = build()
    history = fit(classifier, toy(48), epochs=30, learning_rate=1e-2)
    assert history.epochs[-1]["accuracy"] > 0.95
    assert octlib.evaluate(classifier, toy(40, seed=1)).accuracy > 0.9


def test_a_head_does_not_learn_what_cannot_be_learned(build, toy):
    scans = toy(48)
    labels = np.random.default_rng(0).permutation(scans.labels)
    wrong = octlib.load_oct_dataset((scans.images(32), labels), class_names=list(scans.class_names))
    classifier = build()
    fit(classifier, wrong, epochs=30, learning_rate=1e-2)
    assert octlib.evaluate(classifier, toy(40, seed=1)).accuracy < 0.6


def test_a_penalty_is_refused_where_no_head_is_solved_for(build, toy):
    for classifier, needed in ((build(), {"epochs": 2}), (build(dropout=0.1), {}), (build(freeze=False), {})):
        with pytest.raises(ValueError, match="l2 is the penalty of a head that is solved for, got l2=0.5 where"):
            fit(classifier, toy(8), l2=0.5, **needed)
    with pytest.raises(ValueError, match="l2 must be a positive number, got 0"):
        fit(build(), toy(8), l2=0)


@both_modes
def test_the_best_epoch_on_validation_scans_is_kept(build, toy, freeze):
    classifier, validation = build(freeze), toy(16, seed=1, rotated=1)
    history = fit(classifier, toy(24), validation, epochs=5, learning_rate=1e-2)
    losses = [epoch["val_loss"] for epoch in history.epochs]
    assert history.best_epoch == int(np.argmin(losses)) + 1
    assert loss_of(classifier, validation) == pytest.approx(min(losses), rel=1e-3)
    if freeze:
        assert history.best_epoch == 1
        assert losses[-1] > losses[0] + 0.1


@both_modes
def test_the_best_epoch_is_chosen_by_the_weights_of_training(build, toy, freeze):
    """Nine validation scans of CNV, of which training had few, count as much as the three of all others together."""
    scans, validation = toy(48), toy(48, seed=1, rotated=2)
    train = scans.subset([*range(4, 48, 4), 0, *np.flatnonzero(scans.labels != 0)[:6]])
    validation = validation.subset([*np.flatnonzero(validation.labels == 0)[:9], *range(3)])
    classifier, seen = build(freeze), []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            probabilities = self.model.predict(validation.images(self.model.preprocessing), verbose=0)
            smoothing = 0.0 if freeze else LABEL_SMOOTHING
            targets = (1 - smoothing) * np.eye(4)[validation.labels] + smoothing / 4
            weights = (1 / np.bincount(train.labels))[validation.labels]
            seen.append(np.average(-(targets * np.log(probabilities)).sum(1), weights=weights))

    arguments = {"epochs": 3, "learning_rate": 5e-3, "callbacks": [Watch()]}
    history = fit(classifier, train, validation, **arguments)
    np.testing.assert_allclose([epoch["val_loss"] for epoch in history.epochs], seen, rtol=1e-4)
    assert history.best_epoch == int(np.argmin(seen)) + 1


@both_modes
def test_without_validation_scans_the_last_epoch_is_kept(build, toy, freeze):
    history = fit(build(freeze), toy(16), epochs=3)
    assert history.best_epoch == 3
    assert [epoch["epoch"] for epoch in history.epochs] == [1, 2, 3]
    assert set(history.epochs[0]) == {"epoch", "loss", "accuracy", "learning_rate", "seconds"}
    assert history.seconds >= sum(epoch["seconds"] for epoch in history.epochs)


@both_modes
def test_the_seed_decides_and_it_alone(build, toy, snapshot, freeze):
    def result(seed):
        classifier = build(freeze, dropout=0.3)
        history = fit(classifier, toy(20), toy(8, seed=1), epochs=2, seed=seed)
        np.random.random()  # noqa: NPY002 - the global state must not matter
        torch.rand(1)
        return snapshot(classifier), [epoch["val_loss"] for epoch in history.epochs]

    first = result(0)
    assert result(0) == first
    assert result(1)[0] != first[0]


@both_modes
def test_the_global_random_state_is_left_alone(build, toy, freeze):
    def states():
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002

    classifier, scans = build(freeze), toy(16)
    before = states()
    fit(classifier, scans, epochs=1)
    assert states() == before


@both_modes
def test_a_second_fit_goes_on_from_the_first(build, toy, freeze):
    classifier, scans = build(freeze), toy(24)
    kwargs = {} if freeze else {"augment": False}
    first = fit(classifier, scans, epochs=6, learning_rate=5e-3, **kwargs)
    probabilities = octlib.predict(classifier, scans).filter(like="p_")
    second = fit(classifier, scans, epochs=1, learning_rate=1e-9, **kwargs)
    assert second.epochs[0]["loss"] < 0.7 * first.epochs[0]["loss"]
    if freeze:
        np.testing.assert_allclose(octlib.predict(classifier, scans).filter(like="p_"), probabilities, atol=1e-4)


@both_modes
def test_keras_own_fit_and_evaluate_go_on_from_ours(build, toy, freeze):
    classifier, scans = build(freeze), toy(24)
    fit(classifier, scans, epochs=2, learning_rate=2e-3)
    images = scans.images(classifier.preprocessing)
    probabilities = classifier.predict(images, verbose=0)
    figures = classifier.evaluate(images, scans.labels, verbose=0, return_dict=True)
    assert figures["accuracy"] == pytest.approx((probabilities.argmax(1) == scans.labels).mean())
    assert float(classifier.optimizer.learning_rate) == pytest.approx(2e-3)
    log = classifier.fit(images, scans.labels, epochs=4, batch_size=8, verbose=0)
    assert log.history["loss"][-1] < log.history["loss"][0]


@pytest.mark.parametrize(
    ("class_weight", "expected"), [(None, 0.25), ("balanced", 0.5), ({"NORMAL": 1, "CNV": 9}, 0.75)]
)
def test_class_weights_say_how_much_a_rare_class_counts(build, class_weight, expected):
    """Scans that are all alike: the probability can but be the share of a class, weights included."""
    labels = ["CNV"] * 6 + ["NORMAL"] * 18
    images = np.broadcast_to(np.arange(32, dtype=np.uint8), (24, 32, 32))
    classifier = build(class_names=("CNV", "NORMAL"))
    scans = octlib.load_oct_dataset((images, labels))
    fit(classifier, scans, epochs=150, batch_size=24, learning_rate=2e-2, class_weight=class_weight)
    probability = classifier.predict(scans.images(classifier.preprocessing), verbose=0)[0, 0]
    assert probability == pytest.approx(expected, abs=0.03)


@both_modes
def test_labels_are_matched_by_name(build, toy, snapshot, freeze):
    results = []
    for order in (("CNV", "DME", "DRUSEN", "NORMAL"), ("NORMAL", "DRUSEN", "CNV", "DME")):
        classifier = build(freeze)
        fit(classifier, toy(16, order=order), toy(8, seed=1, order=order), epochs=1)
        results.append(snapshot(classifier))
    assert results[0] == results[1]


def test_classes_that_do_not_match_are_listed_on_both_sides(build, toy):
    classifier = build(class_names=("CNV", "AMD", "DRUSEN", "NORMAL"))
    with pytest.raises(ValueError, match="DME") as caught:
        fit(classifier, toy(8))
    assert "AMD" in str(caught.value)
    with pytest.raises(ValueError, match="labels"):
        fit(classifier, octlib.load_oct_dataset(np.zeros((3, 32, 32), np.uint8)))


def test_no_scans_are_refused(build, toy):
    scans = toy(8)
    for parts in ((scans.subset([]),), (scans, scans.subset([]))):
        with pytest.raises(ValueError, match="at least one scan"):
            fit(build(), *parts)


@both_modes
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1 on, got 0"),
        ({"epochs": 1.5}, "epochs must be a whole number from 1 on, got 1.5"),
        ({"epochs": True}, "epochs must be a whole number from 1 on, got True"),
        ({"batch_size": "4"}, "batch_size must be a whole number from 1 on, got '4'"),
        ({"learning_rate": 0}, "learning_rate must be a positive number, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a positive number, got nan"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"seed": 0.5}, "seed must be a whole number from 0"),
        ({"cache": "typo"}, "cache must be True, False or 'float16', got 'typo'"),
        ({"augment": 3}, "augment must be True, False, None, or a function .*, got 3"),
        ({"class_weight": "x"}, "class_weight must be 'balanced', .*got 'x'"),
        ({"callbacks": ["x"]}, "callbacks must be a list of Keras callbacks, got 'x'"),
        ({"resume": True}, "checkpoint=FOLDER"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_scans_are_looked_for(build, snapshot, freeze, wrong, message):
    classifier = build(freeze)
    before = snapshot(classifier)
    with pytest.raises((TypeError, ValueError), match=message):
        fit(classifier, "no/such/folder", **wrong)
    assert snapshot(classifier) == before


@both_modes
def test_an_error_that_is_not_about_scans_decodes_none(build, toy, monkeypatch, freeze):
    class Faulty(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            raise ValueError("planted")

    module = sys.modules["octlib.training.fit"]  # the room's name for it is that of the function
    monkeypatch.setattr(module, "require_readable", lambda _: pytest.fail("decoded every scan"))
    with pytest.raises(ValueError, match="planted"):
        fit(build(freeze), toy(8), callbacks=[Faulty()])


@pytest.mark.parametrize("wrong", ["balance", {"CNV": 1.0}, {"CNV": 1, "DME": 1, "DRUSEN": 1, "NORML": 1}])
def test_class_weights_need_the_classes_names(build, toy, wrong):
    with pytest.raises(ValueError, match=r"class_weight must be 'balanced', 'logit_adjustment', None, or .*'NORMAL'"):
        fit(build(), toy(8), class_weight=wrong)


@pytest.mark.parametrize("augment", [True, lambda scans, rng: scans])
def test_a_frozen_backbone_takes_no_augmentation(build, toy, augment):
    with pytest.raises(AugmentationError, match="unfreeze"):
        fit(build(), toy(8), augment=augment)


def test_a_frozen_backbone_may_be_told_so(build, toy):
    assert fit(build(), toy(8), augment=False, epochs=1).best_epoch == 1


def test_patients_on_both_sides_are_warned_of(build, toy):
    scans = toy(24)
    with pytest.warns(LeakageWarning, match="4 patients are in both") as caught:
        octlib.fit(build(), scans.subset(range(16)), scans.subset(range(12, 24)), epochs=1, progress=False)
    assert [warning.filename for warning in caught if warning.category is LeakageWarning] == [__file__]


class Fault(keras.callbacks.Callback):
    """Raises in the middle of the second epoch, or at its end."""

    def __init__(self, error, event):
        super().__init__()
        self.error, self.event, self.epoch = error, event, 0

    def _raise(self, event):
        if self.epoch == 1 and event == self.event:
            raise self.error

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self._raise("batch")

    def on_epoch_end(self, epoch, logs=None):
        self._raise("epoch")


@both_modes
@pytest.mark.parametrize("error", [RuntimeError("planted"), KeyboardInterrupt()], ids=["error", "interrupt"])
@pytest.mark.parametrize("event", ["batch", "epoch"])
def test_an_interrupted_classifier_is_a_classifier(build, toy, snapshot, freeze, error, event):
    classifier, scans = build(freeze), toy(24)
    numpy_state = np.random.get_state()[1].tolist()  # noqa: NPY002
    with pytest.raises(type(error)):
        fit(classifier, scans, toy(8, seed=1), epochs=3, callbacks=[Fault(error, event)])
    assert np.random.get_state()[1].tolist() == numpy_state  # noqa: NPY002
    assert classifier.frozen is freeze
    before = snapshot(classifier)
    images = scans.images(classifier.preprocessing)
    probabilities = classifier.predict(images, verbose=0)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    np.testing.assert_array_equal(classifier.predict(images, verbose=0), probabilities)
    np.testing.assert_allclose(np.asarray(classifier(images).detach()), probabilities, atol=1e-5)
    assert snapshot(classifier) == before
    classifier.fit(images, scans.labels, verbose=0)
    assert len(fit(classifier, scans, epochs=2).epochs) == 2


def test_real_scans_of_other_patients_are_recognised(kermany, imagenet_weights, backbone_state):
    scans = octlib.load_oct_dataset(kermany)
    train, test = scans.split((0.7, 0.3), seed=0)
    assert not set(train.patients) & set(test.patients)
    classifier = octlib.build_classifier(
        "mobilenetv2_100", weights=imagenet_weights, image_size=224, class_names=scans.class_names
    )
    before = backbone_state(classifier)
    octlib.fit(classifier, train, progress=False)
    result = octlib.evaluate(classifier, test)
    assert result.accuracy > 0.8
    assert backbone_state(classifier) == before


def test_seeds_may_be_numpys(build, toy):
    histories = [fit(build(seed=seed), toy(16), epochs=1, seed=seed) for seed in (3, np.int64(3))]
    assert histories[0].epochs[0]["loss"] == histories[1].epochs[0]["loss"]


@both_modes
def test_a_fitted_classifier_makes_the_journey_through_a_keras_file(build, toy, tmp_path, freeze):
    classifier, scans = build(freeze), toy(16)
    fit(classifier, scans, epochs=1)
    classifier.save(tmp_path / "fitted.keras")
    restored = octlib.load_classifier(tmp_path / "fitted.keras")  # a warning would fail the test
    images = scans.images(classifier.preprocessing)
    np.testing.assert_array_equal(restored.predict(images, verbose=0), classifier.predict(images, verbose=0))


def test_the_history_has_its_columns_in_reading_order(build, toy):
    frame = fit(build(), toy(16), toy(8, seed=1), epochs=1).to_frame()
    assert list(frame) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]


@both_modes
def test_one_class_is_not_enough(build, toy, snapshot, freeze):
    classifier = build(freeze)
    before = snapshot(classifier)
    with pytest.raises(ValueError, match="at least two classes, got only DME"):
        fit(classifier, toy(16).subset(toy(16).labels == 1))
    assert snapshot(classifier) == before
