"""Building: the counts of the original, seeds, and arguments that make no sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import octlib
from octlib.models.state import state_dict

Build = Callable[..., Any]


def numbers(weights: list[Any]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


def test_the_originals_head_has_131076_trainable_parameters() -> None:
    classifier = octlib.build_classifier("resnet50", freeze=True, weights=None, image_size=100, pooling="flatten")
    assert numbers(classifier.trainable_weights) == 131_076
    assert numbers(classifier.weights) == classifier.count_params() == 23_639_108


def test_defaults() -> None:
    classifier = octlib.build_classifier("test_resnet", weights=None)
    assert isinstance(classifier, octlib.OctClassifier)
    assert classifier.class_names == ("CNV", "DME", "DRUSEN", "NORMAL")
    assert classifier.image_size == (160, 160)  # test_resnet's own
    assert classifier.backbone_name == "test_resnet"
    assert classifier.frozen
    assert classifier.backbone.pooling == "average"


def test_what_is_asked_for_is_built(build: Build) -> None:
    classifier = build(freeze=False, class_names=["a", "b", "c"], image_size=(48, 64), pooling="flatten", dropout=0.25)
    assert classifier.class_names == ("a", "b", "c")
    assert classifier.image_size == (48, 64)
    assert not classifier.frozen
    assert classifier.dropout.rate == 0.25
    assert tuple(classifier(np.zeros((2, 48, 64), np.uint8)).shape) == (2, 3)
    assert classifier.head.kernel.shape[0] == 96 * 2 * 2


def all_weights(classifier: Any) -> list[np.ndarray]:
    return list(state_dict(classifier).values())


def test_the_seed_decides_all_initial_weights(build: Build) -> None:
    first, again, other = (build(seed=seed) for seed in (7, 7, 8))
    torch.rand(1)
    for left, right in zip(all_weights(first), all_weights(again), strict=True):
        np.testing.assert_array_equal(left, right)
    assert not np.array_equal(all_weights(first)[0], all_weights(other)[0])  # the first convolution
    assert not np.array_equal(all_weights(first)[-2], all_weights(other)[-2])  # the head


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"pooling": "avrage"}, "Unknown pooling 'avrage': did you mean 'average'"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"dropout": -0.1}, r"dropout must be in \[0, 1\), got -0.1"),
        ({"class_names": ["CNV", "CNV"]}, r"at least two different names, got \['CNV', 'CNV'\]"),
        ({"class_names": ["CNV", ""]}, "at least two different names"),
        ({"class_names": []}, "at least two different names"),
        ({"class_names": "CNV"}, "at least two different names"),
        ({"image_size": 0}, "at least one pixel"),
        ({"backbone": "resnet5O"}, "Unknown backbone 'resnet5O': did you mean 'resnet50'"),
    ],
)
def test_arguments_that_make_no_sense_are_named(build: Build, argument: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**argument)


def test_a_size_that_is_none_is_named(build: Build) -> None:
    with pytest.raises(TypeError, match="whole number"):
        build(image_size="large")


@pytest.mark.parametrize("size", [8, 65])
def test_a_size_that_a_backbone_cannot_take_is_named(build: Build, size: int) -> None:
    with pytest.raises(ValueError, match=f"test_vit cannot take scans of {size} x {size} pixels.*patch size"):
        build("test_vit", image_size=size)
