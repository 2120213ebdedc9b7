"""Small classifiers and toy scans for the tests of training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import octlib
from octlib.data import OctDataset
from octlib.models.state import state_dict

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")
SIZE = 32


@pytest.fixture
def toy() -> Callable[..., OctDataset]:
    """Give a function that makes noisy scans, each of its own patient; the bright quarter of a scan is its class."""

    def make(n: int = 24, *, seed: int = 0, order: tuple[str, ...] = NAMES, rotated: int = 0) -> OctDataset:
        rng = np.random.default_rng(seed)
        images = rng.integers(0, 60, (n, SIZE, SIZE), dtype=np.uint8)
        quarters = np.arange(n) % 4
        for image, quarter in zip(images, quarters, strict=True):
            top, left = (SIZE // 2 * place for place in divmod(int(quarter), 2))
            image[top : top + SIZE // 2, left : left + SIZE // 2] += 130
        labels = [NAMES[(quarter + rotated) % 4] for quarter in quarters]
        return octlib.load_oct_dataset(
            (images, labels, [f"{seed}-{index}" for index in range(n)]), class_names=list(order)
        )

    return make


@pytest.fixture
def build() -> Callable[..., Any]:
    """Give ``build_classifier`` with a tiny network at random."""

    def make(freeze: bool = True, **kwargs: Any) -> Any:
        return octlib.build_classifier("test_resnet", freeze, **{"weights": None, "image_size": SIZE, **kwargs})

    return make


@pytest.fixture
def snapshot() -> Callable[[Any], dict[str, bytes]]:
    """Give a function that copies all weights and BatchNorm buffers of a classifier, bit by bit."""

    def take(classifier: Any) -> dict[str, bytes]:
        return {name: value.tobytes() for name, value in state_dict(classifier).items()}

    return take


@pytest.fixture
def backbone_state() -> Callable[[Any], dict[str, bytes]]:
    """Give a function that copies the parameters and buffers of the backbone alone, bit by bit."""

    def take(classifier: Any) -> dict[str, bytes]:
        return {name: value.numpy().tobytes() for name, value in classifier.backbone.module.state_dict().items()}

    return take
