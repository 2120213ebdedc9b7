"""Imbalance: class weights and logit adjustment change what is learned from unequal classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

import octlib
from octlib.training.imbalance import balanced_weights, log_shares, logits_adjusted

labels = st.lists(st.integers(0, 5), min_size=1, max_size=60)


@given(labels)
def test_balanced_weights_give_every_class_that_occurs_the_same_say(labels):
    weights = balanced_weights(np.array(labels))
    assert set(weights) == set(labels)
    shares = [weights[label] * labels.count(label) for label in weights]
    np.testing.assert_allclose(shares, len(labels) / len(weights))


@given(labels)
def test_shares_are_those_of_the_labels(labels):
    shares = np.exp(log_shares(np.array(labels), 6))
    counts = [max(labels.count(label), 1) for label in range(6)]
    np.testing.assert_allclose(shares, np.array(counts) / sum(counts), rtol=1e-5)


def test_the_shares_are_in_the_logits_inside_and_not_outside(build):
    classifier = build()
    prior = np.log(np.array([0.7, 0.1, 0.1, 0.1], np.float32))
    before = classifier.head.get_weights()[1]

    def interrupted():
        with logits_adjusted(classifier, prior):
            np.testing.assert_allclose(classifier.head.get_weights()[1], before + prior)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    np.testing.assert_allclose(classifier.head.get_weights()[1], before, atol=1e-6)


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
