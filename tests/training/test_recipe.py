"""Recipe: weights of scans, and compiling."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.models.keras_backend import keras
from octlib.training.recipe import Recipe, compile_classifier


def test_a_compiled_classifier_evaluates_and_fits(build, toy):
    classifier, scans = build(), toy(8)
    compile_classifier(classifier, 0.25)
    assert isinstance(classifier.optimizer, keras.optimizers.AdamW)
    assert float(classifier.optimizer.learning_rate) == 0.25
    images = scans.images(classifier.preprocessing)
    probabilities = classifier.predict(images, verbose=0)
    figures = classifier.evaluate(images, scans.labels, verbose=0, return_dict=True)
    expected = -np.log(probabilities[np.arange(8), scans.labels]).mean()
    assert figures["loss"] == pytest.approx(expected, rel=1e-4)
    assert figures["accuracy"] == pytest.approx((probabilities.argmax(1) == scans.labels).mean())
    before = classifier.head.get_weights()[0]
    classifier.fit(images, scans.labels, verbose=0)
    assert (classifier.head.get_weights()[0] != before).any()


def test_scans_weigh_what_their_class_weighs():
    recipe = Recipe(1, 8, 1e-3, class_weight=np.array([0.5, 1, 2, 4], np.float32))
    np.testing.assert_array_equal(recipe.weights_of(np.array([3, 0, 0, 2])), [4, 0.5, 0.5, 2])
    assert Recipe(1, 8, 1e-3).weights_of(np.array([3, 0])) is None
