"""Optimizer: the head learns faster than the backbone."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.models.keras_backend import keras
from octlib.training.optimizer import HEAD_FACTOR, HeadFirstAdamW


def test_the_first_step_of_the_head_is_larger(build, toy):
    classifier, scans = build(False), toy(16)
    # Adam's first step is the rate itself, whatever the gradient.
    classifier.compile(HeadFirstAdamW(1e-3, weight_decay=0.0), "sparse_categorical_crossentropy")
    before = [np.array(keras.ops.convert_to_numpy(variable)) for variable in classifier.trainable_variables]
    classifier.train_on_batch(scans.images(classifier.preprocessing), scans.labels)
    steps = {
        variable.path: np.abs(keras.ops.convert_to_numpy(variable) - old).max()
        for variable, old in zip(classifier.trainable_variables, before, strict=True)
    }
    head = [step for path, step in steps.items() if "/head/" in path]
    backbone = [step for path, step in steps.items() if "/head/" not in path]
    assert head == pytest.approx([HEAD_FACTOR * 1e-3] * 2, rel=1e-2)
    assert len(backbone) > 20
    assert max(backbone) == pytest.approx(1e-3, rel=1e-2)


def test_it_survives_serialisation():
    optimizer = HeadFirstAdamW(2e-3, weight_decay=0.01)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is HeadFirstAdamW
    assert again.get_config() == optimizer.get_config()
