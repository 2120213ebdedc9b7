"""Making: the digest of weights tells classifiers apart, and software is named with its version."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

import octlib
from octlib.report.making import describe_making, weights_digest


def built(seed=0):
    return octlib.build_classifier("resnet10t", weights=None, image_size=32, seed=seed)


def test_the_digest_is_of_the_weights_and_of_nothing_else(tmp_path):
    classifier = built()
    digest = weights_digest(classifier)
    classifier.save(tmp_path / "classifier")
    assert weights_digest(octlib.load_classifier(tmp_path / "classifier")) == digest
    kernel, bias = classifier.head.get_weights()
    classifier.head.set_weights([kernel, bias + np.float32(1e-6)])
    assert weights_digest(classifier) != digest
    assert weights_digest(built(seed=1)) != digest


def test_a_classifier_is_described_with_software_and_machine():
    classifier = built(seed=3)
    rows = dict(describe_making(classifier))
    assert "resnet10t" in rows["backbone"]
    assert rows["seed"] == "3"
    assert rows["SHA-256 of all weights"] == weights_digest(classifier)
    assert f"timm {version('timm')}" in rows["packages"]
    assert "Keras on torch" in rows["machine"]
    assert set(dict(describe_making(None))) == {"packages", "machine"}
