"""Simulated classifiers: what they predict is known, and so is how sure they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import octlib
from octlib.features import prediction

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


class World:
    """Scans of patients whose classes are known to be as probable as the softmax of their logits.

    Args:
        patients: how many.
        scans_each: of each, all of one class and with logits that resemble one another.
        shares: of the classes.
        sharpness: what the classifier's logits are multiplied by: above 1 it is too sure.
        seed: of it all.
    """

    def __init__(
        self,
        patients: int,
        scans_each: int = 2,
        shares: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25),
        sharpness: float = 1.0,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        own = rng.choice(4, patients, p=shares)
        of_scan = np.repeat(np.arange(patients), scans_each)
        self.labels = own[of_scan]
        # Normal logits around 2 for the own class, of variance 2: their posterior is the softmax of the logits.
        means = 2 * np.eye(4)[own]
        self.logits = (means + rng.normal(0, np.sqrt(2), means.shape))[of_scan]
        self.probabilities = softmax(sharpness * self.logits).astype(np.float32)
        self.patients = [f"p{patient:05d}" for patient in of_scan]
        pixels = np.zeros((len(of_scan), 2, 2), np.uint8)
        self.scans = octlib.load_oct_dataset((pixels, self.labels, self.patients), class_names=NAMES)


@pytest.fixture
def classifier() -> Any:
    """Give a classifier that has been built and not trained."""
    return octlib.build_classifier("test_resnet", weights=None, image_size=32, class_names=NAMES)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """Give a function that makes a world, whose probabilities every classifier then predicts; scans go by name."""

    def make(*arguments: Any, **options: Any) -> World:
        made = World(*arguments, **options)
        rows = dict(zip(made.scans.names, made.probabilities, strict=True))

        def predict_with(_: Any, scans: Any, postprocessing: Any, **__: Any) -> np.ndarray:
            return np.asarray(postprocessing.combine([np.stack([rows[name] for name in scans.names])]))

        monkeypatch.setattr(prediction, "predict_with", predict_with)
        return made

    return make
