"""Prediction: the classifier's own probabilities, from stored features or not, of one view or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import octlib
from octlib.features import predict_probabilities, prediction
from octlib.models import Postprocessing

Toy = Callable[..., Any]


@pytest.fixture(params=["frozen", "unfrozen"])
def either(request: pytest.FixtureRequest, classifier: Any) -> Any:
    if request.param == "unfrozen":
        classifier.unfreeze()
    return classifier


@pytest.mark.parametrize("batch_size", [1, 7, 32])
@pytest.mark.parametrize("cache", [True, False])
def test_probabilities_are_those_of_the_graph(
    either: Any, pixels: np.ndarray, toy: Toy, cache: bool, batch_size: int
) -> None:
    wanted = either(pixels).detach().numpy()
    assert np.ptp(wanted, axis=0).min() > 0.01  # scans differ
    found = predict_probabilities(either, toy(), cache=cache, batch_size=batch_size)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_stored_and_computed_features_give_the_same(classifier: Any, toy: Toy) -> None:
    wanted = predict_probabilities(classifier, toy(), cache=False)
    for _ in range(2):
        np.testing.assert_allclose(predict_probabilities(classifier, toy()), wanted, rtol=1e-6)


def test_heads_take_many_rows_in_parts(classifier: Any, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = predict_probabilities(classifier, toy())
    monkeypatch.setattr(prediction, "HEAD_BATCH", 5)
    np.testing.assert_allclose(predict_probabilities(classifier, toy()), wanted, rtol=1e-5)


def test_flips_average_a_scan_and_its_mirror_image(either: Any, pixels: np.ndarray, toy: Toy) -> None:
    plain = either(pixels).detach().numpy()
    mirrored = either(pixels[:, :, ::-1].copy()).detach().numpy()
    assert np.abs(plain - mirrored).max() > 1e-3
    found = predict_probabilities(either, toy(), flips=True)
    np.testing.assert_allclose(found, (plain + mirrored) / 2, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_the_classifiers_own_flips_are_the_default(either: Any, toy: Toy) -> None:
    without, both = (predict_probabilities(either, toy(), flips=flips) for flips in (False, True))
    assert not np.allclose(without, both, atol=1e-4)
    for flips, wanted, other in ((True, both, without), (False, without, both)):
        either.postprocessing = Postprocessing(flips)
        np.testing.assert_array_equal(predict_probabilities(either, toy()), wanted)
        np.testing.assert_array_equal(predict_probabilities(either, toy(), flips=not flips), other)
        table = octlib.predict(either, toy())
        np.testing.assert_array_equal(table[[f"p_{name}" for name in either.class_names]].to_numpy(), wanted)


def test_mirrored_features_are_stored_too(classifier: Any, toy: Toy, passed: list[int]) -> None:
    predict_probabilities(classifier, toy(), flips=True)
    assert sum(passed) == 48
    passed.clear()
    predict_probabilities(classifier, toy(), flips=True)
    octlib.evaluate(classifier, toy(), flips=True)
    assert passed == []


@pytest.mark.parametrize("flips", [False, True])
def test_a_second_evaluation_passes_no_scan(either: Any, toy: Toy, passed: list[int], flips: bool) -> None:
    first = octlib.evaluate(either, toy(), flips=flips)
    assert sum(passed) == 24 * (1 + flips)
    second = octlib.evaluate(either, toy(), flips=flips)
    assert sum(passed) == 24 * (1 + flips)
    np.testing.assert_array_equal(first.probabilities, second.probabilities)


@pytest.mark.parametrize("flips", [False, True])
def test_probabilities_are_those_of_keras(either: Any, pixels: np.ndarray, toy: Toy, flips: bool) -> None:
    wanted = either.predict(pixels, verbose=0)
    if flips:
        wanted = (wanted + either.predict(pixels[:, :, ::-1], verbose=0)) / 2
    for _ in range(2):
        np.testing.assert_allclose(predict_probabilities(either, toy(), flips=flips), wanted, rtol=0, atol=1e-6)


def test_features_of_before_a_training_step_are_not_used_after_it(
    classifier: Any, toy: Toy, pixels: np.ndarray, passed: list[int]
) -> None:
    classifier.unfreeze()
    before = predict_probabilities(classifier, toy())
    for _ in range(2):
        octlib.fit(classifier, toy(), epochs=1, learning_rate=0.01, progress=False)
        passed.clear()
        after = predict_probabilities(classifier, toy())
        assert sum(passed) == 24
        assert np.abs(after - before).max() > 1e-4
        np.testing.assert_allclose(after, classifier.predict(pixels, verbose=0), rtol=0, atol=1e-6)
        before = after


def test_a_bar_is_drawn_where_it_is_asked_for(either: Any, toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    predict_probabilities(either, toy(), cache=False, progress=True)
    assert "features" in capsys.readouterr().err
    predict_probabilities(either, toy(), cache=False, progress=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("cache", [True, False])
def test_what_cannot_be_is_an_error(either: Any, toy: Toy, cache: bool) -> None:
    with pytest.raises(ValueError, match="at least one scan"):
        predict_probabilities(either, toy().subset([]), cache=cache)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        predict_probabilities(either, toy(), cache=cache, batch_size=0)
    assert len(predict_probabilities(either, toy(1), cache=cache)) == 1
