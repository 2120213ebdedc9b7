"""Recipe: class weights and compiling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octlib.models.keras_backend import keras
from octlib.training.recipe import balanced_weights, compile_classifier


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_balanced_weights_give_every_class_that_occurs_the_same_say(labels):
    weights = balanced_weights(np.array(labels))
    assert set(weights) == set(labels)
    shares = [weights[label] * labels.count(label) for label in weights]
    np.testing.assert_allclose(shares, len(labels) / len(weights))


def test_a_compiled_classifier_evaluates_and_fits(build, toy):
    classifier, scans = build(), toy(8)
    compile_classifier(classifier, 0.25)
    assert isinstance(classifier.optimizer, keras.optimizers.AdamW)
    assert float(classifier.optimizer.learning_rate) == 0.25
    images = classifier.preprocess(scans)
    probabilities = classifier.predict(images, verbose=0)
    figures = classifier.evaluate(images, scans.labels, verbose=0, return_dict=True)
    expected = -np.log(probabilities[np.arange(8), scans.labels]).mean()
    assert figures["loss"] == pytest.approx(expected, rel=1e-4)
    assert figures["accuracy"] == pytest.approx((probabilities.argmax(1) == scans.labels).mean())
    before = classifier.head.get_weights()[0]
    classifier.fit(images, scans.labels, verbose=0)
    assert (classifier.head.get_weights()[0] != before).any()
