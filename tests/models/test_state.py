"""State: taken out and put back, every bit of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import timm

from octlib.models.state import load_state_dict, state_dict, take_state

Build = Callable[..., Any]


def test_names_and_shapes_are_timms(build: Build) -> None:
    for backbone in ("test_resnet", "test_vit", "mobilenetv3_small_050"):
        wanted = timm.create_model(backbone, num_classes=4).state_dict()
        found = state_dict(build(backbone))
        assert {name: value.shape for name, value in found.items()} == {
            # Position embeddings follow the size of the scans.
            name: found[name].shape if name == "pos_embed" else value.shape
            for name, value in wanted.items()
        }


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit"])
def test_what_was_taken_comes_back_bit_by_bit(
    build: Build, learned: Callable[[Any], Any], scans: np.ndarray, backbone: str
) -> None:
    classifier = build(backbone, freeze=False)
    learned(classifier.backbone.module)
    taken = take_state(classifier)
    wanted = classifier(scans).detach().numpy()
    classifier.compile("sgd", "sparse_categorical_crossentropy")
    classifier.fit(scans, np.arange(5) % 4, verbose=0)
    now = take_state(classifier)
    changed = {name for name in taken if not np.array_equal(now[name], taken[name])}
    # A copy is no view, and all that learns is in it.
    statistics = {name for name in taken if name.endswith(("running_mean", "num_batches_tracked"))}
    assert changed >= statistics | {next(iter(taken))}
    assert bool(statistics) == (backbone == "test_resnet")
    load_state_dict(classifier, taken)
    for name, value in take_state(classifier).items():
        np.testing.assert_array_equal(value, taken[name], err_msg=name)
    np.testing.assert_array_equal(classifier(scans).detach().numpy(), wanted)


def test_a_state_fits_another_classifier_of_its_kind(build: Build, scans: np.ndarray) -> None:
    one, other = build(seed=1), build(seed=2, dropout=0.5)
    assert not np.array_equal(one(scans).detach().numpy(), other(scans).detach().numpy())
    load_state_dict(other, state_dict(one))
    np.testing.assert_array_equal(one(scans).detach().numpy(), other(scans).detach().numpy())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda state: state.pop("fc.weight"), KeyError, "fc.weight"),
        (lambda state: state.pop("bn1.bias"), RuntimeError, "bn1.bias"),
        (lambda state: state.update(other=np.zeros(1)), RuntimeError, "other"),
        (lambda state: state.update({"bn1.bias": np.zeros(3)}), RuntimeError, "bn1.bias"),
        (lambda state: state.update({"fc.bias": np.zeros(3)}), ValueError, "shape"),
    ],
)
def test_a_state_that_does_not_fit_is_an_error(build: Build, change: Any, error: Any, message: str) -> None:
    classifier = build()
    state = state_dict(classifier)
    change(state)
    with pytest.raises(error, match=message):
        load_state_dict(classifier, state)
