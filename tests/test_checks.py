"""Checks: seeds and whole numbers, of Python and of NumPy, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import octlib
from octlib._checks import as_seed, as_whole
from octlib.phantoms import phantom_specs


@pytest.mark.parametrize("value", [0, 2**32 - 1, np.int64(7), np.uint8(3)])
def test_seeds(value: Any) -> None:
    assert as_seed(value) == value
    assert type(as_seed(value)) is int


NO_SEEDS = [-1, 2**32, 1.0, "1", None, True, np.True_, np.float64(1), np.array([1, 2])]


@pytest.mark.parametrize("value", NO_SEEDS, ids=str)
def test_what_is_no_seed_is_named(value: Any) -> None:
    with pytest.raises(ValueError, match="seed must be a whole number from 0 to"):
        as_seed(value)


@pytest.mark.parametrize("value", [0, -1, 1.0, "3", None, True, np.True_])
def test_only_whole_numbers_count(value: Any) -> None:
    with pytest.raises(ValueError, match=f"epochs must be a whole number from 1 on, got {value!r}"):
        as_whole("epochs", value)


def test_whole_numbers_of_numpy_count() -> None:
    assert as_whole("epochs", np.int64(3)) == 3
    assert type(as_whole("epochs", np.int64(3))) is int
    assert as_whole("shift", 0, minimum=0) == 0


@pytest.fixture(scope="module")
def scans() -> octlib.OctDataset:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 64, 64), dtype=np.uint8)
    return octlib.load_oct_dataset((pixels, np.arange(16) % 4, [f"p{number}" for number in range(16)]))


@pytest.mark.parametrize("verb", ["split", "folds", "sample", "phantoms", "build", "fit", "evaluate", "score"])
def test_one_check_of_seeds_everywhere(scans: octlib.OctDataset, verb: str) -> None:
    classifier = octlib.build_classifier("test_resnet", weights=None, image_size=64, class_names=scans.class_names)
    truth, probabilities = np.array([0, 1]), np.eye(2)
    calls = {
        "split": lambda seed: scans.split((0.5, 0.5), by="scan", seed=seed),
        "folds": lambda seed: scans.folds(2, by="scan", seed=seed),
        "sample": lambda seed: scans.sample(2, seed=seed),
        "phantoms": lambda seed: phantom_specs(1, seed=seed),
        "build": lambda seed: octlib.build_classifier("test_resnet", weights=None, image_size=64, seed=seed),
        "fit": lambda seed: octlib.fit(classifier, scans, epochs=1, seed=seed, progress=False),
        "evaluate": lambda seed: octlib.evaluate(classifier, scans, seed=seed),
        "score": lambda seed: octlib.evaluation.score(truth, probabilities, ["a", "b"], ("x", "y"), seed=seed),
    }
    for seed in (True, -1, 2**32, 0.5):
        with pytest.raises(ValueError, match=f"seed must be a whole number from 0 to .*got {seed!r}"):
            calls[verb](seed)
    calls[verb](np.int64(3))
