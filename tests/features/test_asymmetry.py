"""Asymmetry: negatives and pictures that are upside down differ in signs; where and how bright a retina is does not."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import octlib
from octlib.features import extract_features
from octlib.features.asymmetry import N_ASYMMETRIES, SIZE, AsymmetryPass, asymmetries

MODULE = import_module("octlib.features.asymmetry")
Build = Callable[..., Any]
Toy = Callable[..., Any]

STEPS, LINES = slice(0, None, 2), slice(1, None, 2)


@pytest.fixture(scope="module")
def phantoms() -> np.ndarray:
    """Give eight phantoms, uint8 (8, 64, 64)."""
    return octlib.load_oct_dataset("phantoms").sample(8).images(SIZE)


def test_which_signs_change(phantoms: np.ndarray) -> None:
    found = asymmetries(phantoms)
    assert found.dtype == np.float32
    assert found.shape == (8, N_ASYMMETRIES)
    assert (np.abs(found) <= 1).all()
    assert np.abs(found).max() > 0.3
    np.testing.assert_allclose(asymmetries(255 - phantoms), -found, atol=0.02)
    np.testing.assert_allclose(asymmetries(phantoms[:, :, ::-1]), found, atol=0.02)
    upside_down = asymmetries(phantoms[:, ::-1])
    np.testing.assert_allclose(upside_down[:, STEPS], -found[:, STEPS], atol=0.02)
    np.testing.assert_allclose(upside_down[:, LINES], found[:, LINES], atol=0.02)


def test_contrast_and_brightness_count_for_nothing(phantoms: np.ndarray) -> None:
    half = (phantoms.astype(np.float32) / 2).round().astype(np.uint8)
    np.testing.assert_allclose(asymmetries(half + 60), asymmetries(half), atol=1e-3)
    np.testing.assert_allclose(asymmetries(half), asymmetries(phantoms), atol=0.05)


def test_flat_pictures_have_none() -> None:
    assert (asymmetries(np.full((2, SIZE, SIZE), 90, np.uint8)) == 0).all()


def test_a_file_and_its_pixels_agree(tmp_path: Path) -> None:
    """A large JPEG is decoded at a reduced scale."""
    scans = octlib.load_oct_dataset("phantoms").sample(4)
    for place, scan in enumerate(scans):
        Image.fromarray(scan.read()).save(tmp_path / f"{place}.jpeg", quality=95)
    files = octlib.load_oct_dataset(sorted(tmp_path.iterdir()))
    found = [extract_features(AsymmetryPass(), each, progress=False) for each in (scans, files)]
    np.testing.assert_allclose(*found, atol=0.1)


def test_they_are_computed_once_for_all_classifiers(build: Build, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []

    def counted(pictures: np.ndarray) -> np.ndarray:
        computed.append(len(pictures))
        return asymmetries(pictures)

    monkeypatch.setattr(MODULE, "asymmetries", counted)
    for classifier in (build(), build(seed=1, image_size=64, steps=())):
        octlib.learn_familiarity(classifier, toy(20))
        octlib.familiarity(classifier, toy(24))
    assert sum(computed) == 24
    octlib.familiarity(classifier, toy(24), cache=False)
    assert sum(computed) == 48
    monkeypatch.setattr(MODULE, "FLAT", 1.0)
    extract_features(AsymmetryPass(), toy(24), progress=False)
    assert sum(computed) == 72  # other numbers, which the store hasn't got
