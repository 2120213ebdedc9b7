"""Forward passes: every scan once, in order, whatever the batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import octlib
from octlib.features import extract_features, predict_probabilities
from octlib.features.forward import preprocessed_batches


@pytest.fixture(scope="module")
def classifier() -> Any:
    return octlib.build_classifier("test_resnet", weights=None, image_size=(48, 64), dropout=0.5)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (7, 80, 100), dtype=np.uint8)


@pytest.fixture(scope="module")
def scans(pixels: np.ndarray) -> Any:
    return octlib.load_oct_dataset((pixels, [0, 1, 2, 3, 0, 1, 2]))


@pytest.mark.parametrize("batch_size", [1, 3, 7, 32])
def test_any_batch_size_gives_what_the_classifier_gives(
    classifier: Any, pixels: np.ndarray, scans: Any, batch_size: int
) -> None:
    prepared = classifier.preprocess(pixels)
    for function, part in ((extract_features, classifier.features), (predict_probabilities, classifier)):
        found = function(classifier, scans, batch_size=batch_size)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, part(prepared).detach().cpu().numpy(), rtol=1e-4, atol=1e-6)
    assert extract_features(classifier, scans).shape == (7, classifier.backbone.n_features)


def test_probabilities_sum_to_one(classifier: Any, scans: Any) -> None:
    probabilities = predict_probabilities(classifier, scans)
    assert probabilities.shape == (7, 4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


def test_the_order_is_the_datasets(classifier: Any, scans: Any) -> None:
    features = extract_features(classifier, scans, batch_size=2)
    assert len(np.unique(features.round(6), axis=0)) == 7
    order = [6, 0, 3, 3]
    np.testing.assert_allclose(extract_features(classifier, scans.subset(order), batch_size=3), features[order], 1e-4)


def test_batches_hold_each_scan_once(classifier: Any, pixels: np.ndarray, scans: Any) -> None:
    batches = list(preprocessed_batches(classifier, scans, 3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(batches), classifier.preprocess(pixels))


def test_a_scan_that_cannot_be_read_is_named(classifier: Any, pixels: np.ndarray, tmp_path: Path) -> None:
    for number, scan in enumerate(pixels[:4]):
        Image.fromarray(scan).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(b"nothing")
    scans = octlib.load_oct_dataset([tmp_path / f"{number}.png" for number in range(4)])
    with pytest.raises(ValueError, match=r"2\.png"):
        predict_probabilities(classifier, scans, batch_size=2)


@pytest.mark.parametrize("function", [extract_features, predict_probabilities])
def test_no_scans_are_an_error(classifier: Any, scans: Any, function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="at least one scan"):
        function(classifier, scans.subset([]))


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batches_hold_at_least_one_scan(classifier: Any, scans: Any, batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"batch_size must be at least 1, got {batch_size}"):
        predict_probabilities(classifier, scans, batch_size=batch_size)


def test_no_gradients_are_kept_and_nothing_changes(classifier: Any, scans: Any) -> None:
    before = {key: value.clone() for key, value in classifier.backbone.module.state_dict().items()}
    predict_probabilities(classifier, scans)
    extract_features(classifier, scans)
    for key, value in classifier.backbone.module.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert all(weight.value.grad is None for weight in classifier.weights)
    assert not classifier.head.kernel.value.is_inference()  # training may go on


def test_a_bar_is_drawn_where_it_is_asked_for(classifier: Any, scans: Any, capsys: pytest.CaptureFixture[str]) -> None:
    predict_probabilities(classifier, scans, batch_size=2, progress=True)
    assert "prediction" in capsys.readouterr().err
    predict_probabilities(classifier, scans, batch_size=2, progress=False)
    assert capsys.readouterr().err == ""
