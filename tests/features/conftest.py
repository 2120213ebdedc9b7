"""Small classifiers, scans, and a count of what passes through a backbone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import octlib
from octlib.models.torch_modules import TimmFeatures

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")
SIZE = 32

Build = Callable[..., Any]
Toy = Callable[..., Any]


@pytest.fixture
def build() -> Build:
    """Give ``build_classifier`` with a tiny network at random."""

    def make(freeze: bool = True, **kwargs: Any) -> Any:
        return octlib.build_classifier("test_resnet", freeze, **{"weights": None, "image_size": SIZE, **kwargs})

    return make


@pytest.fixture
def classifier(build: Build) -> Any:
    """Give a frozen classifier with a head that says something."""
    classifier = build()
    classifier.head.kernel.assign(np.random.default_rng(0).normal(0, 2, classifier.head.kernel.shape))
    return classifier


@pytest.fixture
def pixels() -> np.ndarray:
    """Give 24 noisy scans of different brightness: uint8 (24, 32, 32)."""
    noise = np.random.default_rng(0).integers(0, 90, (24, SIZE, SIZE), dtype=np.uint8)
    return noise + 5 * np.arange(24, dtype=np.uint8)[:, None, None]


@pytest.fixture
def toy(pixels: np.ndarray) -> Toy:
    """Give a function that makes a dataset of the first scans, or of others, each of a patient of its own."""

    def make(n: int = 24, *, images: np.ndarray | None = None) -> Any:
        images = (pixels if images is None else images)[:n]
        labels = [NAMES[number % 4] for number in range(len(images))]
        return octlib.load_oct_dataset(
            (images, labels, [f"p{number}" for number in range(len(images))]), class_names=list(NAMES)
        )

    return make


@pytest.fixture
def passed() -> Iterator[list[int]]:
    """Give a list that gets the size of every batch that passes through any backbone."""
    batches: list[int] = []

    def note(module: torch.nn.Module, _: Any, features: torch.Tensor) -> None:
        if isinstance(module, TimmFeatures):
            batches.append(len(features))

    handle = torch.nn.modules.module.register_module_forward_hook(note)
    yield batches
    handle.remove()
