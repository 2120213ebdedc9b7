"""Head training: whitened features inside, plain ones outside."""

from __future__ import annotations

import numpy as np
import pytest

import octlib
from octlib.models.keras_backend import keras
from octlib.training.head import train_head
from octlib.training.recipe import Recipe

FEATURES = 96


def recipe(**changes):
    defaults = {
        "epochs": 1,
        "batch_size": 8,
        "learning_rate": 1e-2,
    }
    return Recipe(**{**defaults, **changes})


@pytest.fixture
def features():
    """Features with much less spread than mean, whose class is the sign of one of them."""
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (40, FEATURES))
    labels = (values[:, 0] > 0).astype(int)
    values[:, 0] += np.where(labels, 2, -2)
    return (1 + 0.01 * values).astype(np.float32), labels


def test_the_head_learns_whatever_the_scale_of_the_features(build, features):
    classifier = build(class_names=("NORMAL", "CNV"))
    outcome = train_head(classifier, features, None, recipe(epochs=25, learning_rate=3e-2))
    assert outcome.best_epoch == len(outcome.epochs) == 25
    assert outcome.epochs[-1]["accuracy"] == 1
    logits = keras.ops.convert_to_numpy(classifier.head_logits(features[0]))
    np.testing.assert_array_equal(logits.argmax(1), features[1])


def test_training_starts_where_the_head_stands(build, features):
    classifier = build(class_names=("NORMAL", "CNV"))
    before = keras.ops.convert_to_numpy(classifier.head_logits(features[0]))
    train_head(classifier, features, None, recipe(learning_rate=1e-12))
    after = keras.ops.convert_to_numpy(classifier.head_logits(features[0]))
    np.testing.assert_allclose(after, before, atol=1e-2 * np.abs(before).max())


def test_the_classifiers_dropout_is_used(build, features):
    def spread(rate):
        classifier = build(class_names=("NORMAL", "CNV"), dropout=rate)
        # With next to no learning, only dropout can make one epoch's loss differ from another's.
        outcome = train_head(classifier, features, None, recipe(epochs=5, learning_rate=1e-12))
        return np.ptp([epoch["loss"] for epoch in outcome.epochs])

    assert spread(0.0) < 1e-5 < spread(0.9)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("scans", [40, 8])
def test_a_feature_that_was_nearly_constant_does_not_decide_about_new_scans(build, features, exact, scans):
    rows, labels = features[0][:scans].copy(), features[1][:scans]
    rows[:, 5] = 1 + 1e-6 * np.random.default_rng(1).normal(size=scans)
    classifier = build(class_names=("NORMAL", "CNV"))
    train_head(classifier, (rows, labels), None, recipe(epochs=25, learning_rate=3e-2, exact=exact))
    kernel, bias = classifier.head.get_weights()
    before = rows @ kernel + bias
    rows[:, 5] += 0.02  # twice the spread of the others
    after = rows @ kernel + bias
    assert np.abs(after - before).max() < 0.3 * np.abs(before - before.mean(axis=0)).max()


@pytest.mark.parametrize(
    ("arguments", "unit"),
    [
        ({}, "step"),
        ({"cache": False, "seed": 1, "class_weight": None}, "step"),
        ({"epochs": 2}, "epoch"),
        ({"learning_rate": 1e-2}, "epoch"),
        ({"callbacks": [keras.callbacks.Callback()]}, "epoch"),
        ({"checkpoint": "run"}, "epoch"),
    ],
)
def test_who_asks_for_nothing_that_needs_epochs_gets_the_solved_head(build, toy, tmp_path, arguments, unit):
    if "checkpoint" in arguments:
        arguments = {"checkpoint": tmp_path / "run"}
    history = octlib.fit(build(), toy(16), progress=False, **arguments)
    assert unit in history.to_frame()


def test_dropout_needs_epochs(build, toy):
    assert "epoch" in octlib.fit(build(dropout=0.1), toy(16), progress=False).to_frame()
