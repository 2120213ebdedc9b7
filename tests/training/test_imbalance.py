"""Imbalance: class weights and logit adjustment change what is learned from unequal classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from sklearn.utils.class_weight import compute_class_weight

import octlib
from octlib.models.keras_backend import keras
from octlib.training.imbalance import adjusted_crossentropy, balanced_weights, log_shares

labels = st.lists(st.integers(0, 5), min_size=1, max_size=60)


@given(labels)
def test_balanced_weights_give_every_class_that_occurs_the_same_say(labels):
    weights, present = balanced_weights(np.array(labels), 6), np.unique(labels)
    np.testing.assert_allclose(weights[present], compute_class_weight("balanced", classes=present, y=labels), rtol=1e-6)
    assert (np.delete(weights, present) == 1).all()


@given(labels)
def test_shares_are_those_of_the_labels(labels):
    shares = np.exp(log_shares(np.array(labels), 6))
    counts = [max(labels.count(label), 1) for label in range(6)]
    np.testing.assert_allclose(shares, np.array(counts) / sum(counts), rtol=1e-5)


def test_the_shares_are_in_the_loss_and_not_in_what_callbacks_save(build, tmp_path):
    """Scans that are all alike: with the shares in the loss, nothing is left for the classifier to learn."""
    images = np.broadcast_to(np.arange(32, dtype=np.uint8), (24, 32, 32))
    scans = octlib.load_oct_dataset((images, ["CNV"] * 6 + ["NORMAL"] * 18))
    for freeze in (True, False):
        classifier, file = build(freeze, class_names=("CNV", "NORMAL")), tmp_path / f"{freeze}.keras"
        arguments = {"class_weight": "logit_adjustment", "augment": False, "learning_rate": 1e-9, "epochs": 1}
        save = keras.callbacks.ModelCheckpoint(file)
        octlib.fit(classifier, scans, callbacks=[save], progress=False, **arguments)
        pixels = scans.images(classifier.preprocessing)[:1]
        kept = octlib.load_classifier(file).predict(pixels, verbose=0)
        np.testing.assert_allclose(kept, classifier.predict(pixels, verbose=0), atol=1e-6)
        np.testing.assert_allclose(kept, 0.5, atol=0.05)


def test_the_adjusted_loss_is_that_of_shifted_logits():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(5, 3)).astype(np.float32), np.eye(3, dtype=np.float32)[[0, 2, 1, 1, 0]]
    prior = np.log(np.array([0.7, 0.2, 0.1], np.float32))
    for shift, given_prior in ((prior, prior), (0, None)):
        odds = np.exp(logits + shift)
        expected = -np.log((targets * odds).sum(1) / odds.sum(1))
        found = adjusted_crossentropy(given_prior)(keras.ops.array(targets), keras.ops.array(logits))
        np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, rtol=1e-5)


def overlapping(counts, seed):
    """Make scans whose classes overlap so much that only their number decides in doubt."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(2), counts)
    grey = 100 + 40 * classes + rng.normal(0, 25, len(classes))
    images = np.clip(grey[:, None, None] + rng.normal(0, 4, (len(classes), 32, 32)), 0, 255).astype(np.uint8)
    return octlib.load_oct_dataset((images, [("CNV", "DRUSEN")[number] for number in classes]))


@pytest.mark.parametrize("class_weight", ["balanced", {"CNV": 0.55, "DRUSEN": 5.5}, "logit_adjustment"])
@pytest.mark.parametrize("freeze", [True, False], ids=["frozen", "unfrozen"])
def test_the_rare_class_is_found_more_often(build, freeze, class_weight):
    train, test = overlapping((120, 12), 0), overlapping((100, 100), 1)

    def trained(class_weight):
        classifier = build(freeze, class_names=("CNV", "DRUSEN"))
        epochs, rate = (30, 3e-2) if freeze else (12, 3e-3)
        octlib.fit(
            classifier,
            train,
            epochs=epochs,
            learning_rate=rate,
            class_weight=class_weight,
            augment=False,
            progress=False,
        )
        predicted = (octlib.predict(classifier, test)["predicted"] == "DRUSEN").to_numpy()
        return predicted[100:].mean(), f1_score(test.labels, predicted, average="macro")

    (recall, f1), (better_recall, better_f1) = trained(None), trained(class_weight)
    assert better_recall > recall + 0.05
    assert better_f1 > f1
