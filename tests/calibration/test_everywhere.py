"""Everywhere: a calibration is in every verb and on disk, the graph is as it was, and training drops it."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest

import octlib
from octlib.errors import CalibrationWarning, ConstantMapWarning, WeightsError
from octlib.models import Postprocessing

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")

CALIBRATED = Postprocessing(True, 3.0, (0.25,) * 4, (0.1, 0.2, 0.3, 0.4), 0.9, 0.2)
PIXELS = np.random.default_rng(0).integers(0, 200, (8, 32, 32), dtype=np.uint8)


@pytest.fixture
def scans() -> Any:
    return octlib.load_oct_dataset((PIXELS, np.arange(8) % 4, [f"p{n}" for n in range(8)]), class_names=NAMES)


@pytest.fixture
def calibrated(classifier: Any) -> Any:
    classifier.head.kernel.assign(np.random.default_rng(0).normal(0, 2, classifier.head.kernel.shape))
    classifier.postprocessing = CALIBRATED
    return classifier


def columns(table: Any) -> np.ndarray:
    return np.asarray(table[[f"p_{name}" for name in NAMES]].to_numpy())


def by_hand(classifier: Any) -> np.ndarray:
    rows = np.mean([classifier.predict(each, verbose=0) for each in (PIXELS, PIXELS[:, :, ::-1])], axis=0)
    powers = rows ** (1 / 3) * np.array([0.1, 0.2, 0.3, 0.4]) / 0.25
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def test_every_verb_uses_it(calibrated: Any, scans: Any) -> None:
    wanted = by_hand(calibrated)
    np.testing.assert_allclose(columns(octlib.predict(calibrated, scans)), wanted, atol=1e-5)
    np.testing.assert_allclose(octlib.evaluate(calibrated, scans).probabilities, wanted, atol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantMapWarning)  # of a network at random
        said = octlib.explain(calibrated, scans, progress=False).predicted
    assert said == tuple(NAMES[index] for index in wanted.argmax(axis=1))


def test_the_graph_and_its_copies_know_nothing_of_it(calibrated: Any) -> None:
    rows = calibrated.predict(PIXELS, verbose=0)
    logits = calibrated.to_torch()(calibrated.to_torch().head.weight.new_tensor(PIXELS)).detach().numpy()
    calibrated.postprocessing = Postprocessing()
    np.testing.assert_array_equal(calibrated.predict(PIXELS, verbose=0), rows)
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rows, atol=1e-5)


@pytest.mark.parametrize("suffix", ["pt2", "onnx"])
def test_exported_files_are_calibrated(calibrated: Any, tmp_path: Any, suffix: str) -> None:
    file = tmp_path / f"c.{suffix}"
    assert calibrated.export(file, format="torch" if suffix == "pt2" else "onnx") < 1e-4
    if suffix == "onnx":
        from onnxruntime import InferenceSession

        found = InferenceSession(file).run(None, {"scans": PIXELS.astype(np.float32)})[0]
        np.testing.assert_allclose(found, by_hand(calibrated), atol=1e-4)


@pytest.mark.parametrize("name", ["c", "c.keras"])
def test_it_is_saved_with_the_classifier(calibrated: Any, scans: Any, tmp_path: Any, name: str) -> None:
    calibrated.class_shares = (0.1, 0.2, 0.3, 0.4)
    calibrated.save(tmp_path / name)
    again = octlib.load_classifier(tmp_path / name)
    assert again.postprocessing == CALIBRATED
    assert again.class_shares == (0.1, 0.2, 0.3, 0.4)
    table = octlib.predict(again, scans)
    np.testing.assert_allclose(columns(table), by_hand(calibrated), atol=1e-5)
    assert "set" in table
    if name == "c":
        assert "temperature 3; class shares 0.1, 0.2, 0.3, 0.4 in place of" in (tmp_path / "c/README.md").read_text()


@pytest.mark.parametrize(
    "hostile",
    [
        {"postprocessing": {"temperature": -1}},
        {"postprocessing": {"temperature": 1e999}},
        {"postprocessing": {"priors": [1.0], "trained_on": [1.0]}},
        {"postprocessing": {"least": 0.1}},
        {"class_shares": [0.5, 0.5]},
        {"class_shares": "many"},
    ],
)
def test_a_hostile_configuration_is_refused(calibrated: Any, tmp_path: Any, hostile: dict[str, Any]) -> None:
    calibrated.save(tmp_path / "c")
    config = tmp_path / "c/config.json"
    content = json.loads(config.read_text())
    content["classifier"] |= hostile
    config.write_text(json.dumps(content))
    with pytest.raises(WeightsError, match="is not the configuration of an octlib classifier"):
        octlib.load_classifier(tmp_path / "c")


def test_training_drops_it_with_a_word(calibrated: Any, scans: Any) -> None:
    with pytest.warns(CalibrationWarning, match="Training changes what .* is dropped .*temperature 3") as caught:
        octlib.fit(calibrated, scans, progress=False)
    assert [each.filename for each in caught if each.category is CalibrationWarning] == [__file__]
    assert calibrated.postprocessing == Postprocessing(flips=True)
    octlib.fit(calibrated, scans, progress=False)  # nothing to drop


def test_keras_own_training_drops_it_too(calibrated: Any) -> None:
    calibrated.class_shares = (0.25,) * 4
    calibrated.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.warns(CalibrationWarning, match="is dropped"):
        calibrated.fit(PIXELS, np.arange(8) % 4, verbose=0)
    assert calibrated.postprocessing == Postprocessing(flips=True)
    assert calibrated.class_shares is None


def test_training_that_is_refused_drops_nothing(calibrated: Any, scans: Any) -> None:
    with pytest.raises(ValueError, match="Training needs scans of at least two classes"):
        octlib.fit(calibrated, scans[np.asarray(scans.labels) == 0], progress=False)
    assert calibrated.postprocessing == CALIBRATED


def test_priors_of_other_classes_are_refused(classifier: Any) -> None:
    with pytest.raises(ValueError, match="priors for the 4 classes of the classifier, got 2"):
        classifier.postprocessing = Postprocessing(trained_on=(0.5, 0.5), priors=(0.5, 0.5))
    with pytest.raises(ValueError, match="class_shares must be 4, one for each class, got 2"):
        classifier.class_shares = (0.5, 0.5)
