"""Passes: features without gradients, whatever the length of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from octlib.models.keras_backend import keras
from octlib.models.passes import FeaturePass
from octlib.preprocessing import Preprocessing

Build = Callable[..., Any]


def test_batches_of_any_length_give_what_a_call_gives(build: Build, scans: np.ndarray) -> None:
    classifier = build()
    wanted = keras.ops.convert_to_numpy(classifier.features(scans))
    for length in (4, 1, 5, 3):  # a short batch after a long one, and a longer one
        found = classifier.extract(scans[:length])
        assert type(found) is np.ndarray
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted[:length], rtol=1e-5, atol=1e-5)


def test_scans_can_have_channels_and_fractions(build: Build, scans: np.ndarray) -> None:
    classifier = build()
    wanted = classifier.extract(scans)
    for same in (scans[..., None], np.repeat(scans[..., None], 3, axis=-1), scans.astype(np.float32)):
        np.testing.assert_allclose(classifier.extract(same), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("freeze", [True, False])
def test_nothing_learns_in_a_pass(build: Build, scans: np.ndarray, freeze: bool) -> None:
    classifier = build(freeze=freeze)
    before = {name: value.copy() for name, value in classifier.backbone.state().items()}
    classifier.extract(scans)
    for name, value in classifier.backbone.state().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_weights_that_change_are_heeded(build: Build, scans: np.ndarray) -> None:
    one, other = build(seed=1), build(seed=2)
    wanted, before = one.extract(scans), other.extract(scans)
    assert not np.allclose(before, wanted)
    other.backbone.load_state(one.backbone.state())
    np.testing.assert_array_equal(other.extract(scans), wanted)


def test_a_pass_adds_nothing_to_the_classifier(build: Build, scans: np.ndarray) -> None:
    classifier = build()
    names = [weight.path for weight in classifier.weights]
    classifier.extract(scans)
    assert [weight.path for weight in classifier.weights] == names


@pytest.mark.parametrize(("backend", "wanted"), [("torch", [4, 2, 5, 1]), ("jax", [4, 4, 5, 4])])
def test_a_short_batch_is_compiled_for_no_length_of_its_own(
    monkeypatch: pytest.MonkeyPatch, scans: np.ndarray, backend: str, wanted: list[int]
) -> None:
    lengths: list[int] = []
    features = FeaturePass(keras.layers.Flatten(), Preprocessing(32))
    monkeypatch.setattr(keras.config, "backend", lambda: backend)
    monkeypatch.setattr(
        features._model,
        "predict_on_batch",
        lambda batch: (lengths.append(len(batch)), batch.reshape(len(batch), -1))[1],
    )
    for length in (4, 2, 5, 1):
        np.testing.assert_array_equal(features.extract(scans[:length]), scans[:length].reshape(length, -1))
    assert lengths == wanted
