"""Evaluating a classifier: labels by name, patients from the dataset, and no forward pass for a wrong call."""

from __future__ import annotations

import inspect
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import octlib.features
from octlib.data import load_oct_dataset
from octlib.errors import UnknownPatientsWarning
from octlib.evaluation import evaluate, predict, score
from octlib.models import Postprocessing

NAMES = ("CNV", "DRUSEN", "NORMAL")


@pytest.fixture
def classifier(monkeypatch):
    """A classifier that reads the class of a scan off its brightness, and is wrong about every fifth scan."""

    def probabilities(classifier, dataset, **options):
        classifier.passes += 1
        classifier.options = options
        images = np.stack([np.asarray(image) for image in dataset.images((8, 8))])
        names = np.array(["NORMAL", "CNV", "DRUSEN"])[images[:, 0, 0] // 80]
        predicted = np.array([classifier.class_names.index(name) for name in names])
        predicted[::5] = (predicted[::5] + 1) % 3
        return (0.1 + 0.7 * np.eye(3)[predicted]).astype(np.float32)

    monkeypatch.setattr(octlib.features, "predict_probabilities", probabilities)
    monkeypatch.setattr("octlib.models.classifier.require_classifier", lambda _: None)
    return SimpleNamespace(class_names=NAMES, postprocessing=Postprocessing(), passes=0)


@pytest.fixture
def familiar(monkeypatch):
    """Three numbers that the scans' familiarity takes in turn."""
    numbers = np.array([0.5, -0.5, -0.75], np.float32)
    monkeypatch.setattr(octlib.features, "familiarity", lambda _, scans, **__: np.resize(numbers, len(scans)))
    monkeypatch.setattr(import_module("octlib.features.familiarity"), "require_reference", lambda _: None)
    return numbers


def dataset(patients=True, n=30):
    """Scans whose class names are in another order than the classifier's; brightness says the class."""
    labels = np.arange(n) % 3
    images = np.broadcast_to(80 * labels[:, None, None], (n, 8, 8)).astype(np.uint8)
    arrays = (images, labels, [f"p{index // 3}" for index in range(n)]) if patients else (images, labels)
    return load_oct_dataset(arrays, class_names=("NORMAL", "CNV", "DRUSEN"))


def test_signature_is_the_contracts():
    parameters = inspect.signature(evaluate).parameters.values()
    assert [(item.name, item.default) for item in parameters if item.kind is item.POSITIONAL_OR_KEYWORD] == [
        ("classifier", inspect.Parameter.empty),
        ("scans", inspect.Parameter.empty),
    ]
    keywords = {item.name: item.default for item in parameters if item.kind is item.KEYWORD_ONLY}
    passing = {"cache": True, "flips": None, "batch_size": 32}
    assert keywords == {
        **passing,
        "level": "scan",
        "familiarity": False,
        "confidence": 0.95,
        "seed": 0,
        "progress": None,
    }


def test_familiarity_is_a_column_of_the_scans(classifier, familiar):
    result = evaluate(classifier, dataset(), familiarity=True)
    assert result.scans["familiarity"].tolist() == [0.5, -0.5, -0.75] * 10
    assert result.scans["familiar"].tolist() == [True, False, False] * 10
    assert result.predictions()["familiar"].tolist() == [True, False, False] * 10
    assert "familiar" not in evaluate(classifier, dataset()).scans


def test_columns_of_its_own_are_not_overwritten(classifier, familiar):
    scans = replace(dataset(), columns={"familiarity": np.ones(30)})
    with pytest.raises(ValueError, match="the scans have familiarity already. Rename them in the table"):
        evaluate(classifier, scans, familiarity=True)
    assert classifier.passes == 0
    assert "familiarity" in evaluate(classifier, scans).scans


def test_labels_are_matched_by_name(classifier):
    result = evaluate(classifier, dataset())
    assert result.accuracy == pytest.approx(0.8)
    assert result.class_names == NAMES
    assert (result.n_scans, result.n_patients, result.resampled) == (30, 10, "patient")
    assert result.confusion_matrix.sum(axis=1).tolist() == [10, 10, 10]


def test_settings_are_handed_on(classifier):
    probabilities = octlib.features.predict_probabilities(classifier, dataset())
    truth = np.array([NAMES.index(("NORMAL", "CNV", "DRUSEN")[index % 3]) for index in range(30)])
    expected = score(truth, probabilities, np.arange(30) // 3, NAMES, confidence=0.8, seed=3)
    assert evaluate(classifier, dataset(), confidence=0.8, seed=3).to_dict() == expected.to_dict()


def test_unknown_patients_warn_where_evaluate_was_called(classifier):
    with pytest.warns(UnknownPatientsWarning, match="bootstrapped over scans") as caught:
        assert evaluate(classifier, dataset(patients=False)).n_patients is None
    assert [warning.filename for warning in caught] == [__file__]


def test_the_scans_stay_known(classifier):
    scans = dataset()
    result = evaluate(classifier, scans)
    pd.testing.assert_frame_equal(result.scans, scans.to_frame())
    table = result.predictions()
    assert list(table.columns)[:5] == ["name", "path", "patient", "label", "predicted"]
    assert table["label"].tolist() == [scan.label for scan in scans]
    pd.testing.assert_frame_equal(table.drop(columns="label"), predict(classifier, scans))


def test_options_of_the_pass_are_handed_on(classifier):
    evaluate(classifier, dataset(), cache=False, flips=True, batch_size=4, progress=False)
    assert classifier.options == {"cache": False, "flips": True, "batch_size": 4, "progress": False}


@pytest.mark.parametrize("wrong", [{"confidence": 95}, {"seed": -1}])
def test_wrong_settings_cost_no_pass(classifier, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        evaluate(classifier, dataset(), **wrong)
    assert classifier.passes == 0


def test_scans_without_labels_are_refused(classifier):
    with pytest.raises(ValueError, match="must have (a )?label"):
        evaluate(classifier, np.zeros((3, 8, 8), dtype=np.uint8))
    assert classifier.passes == 0


def test_no_scans_are_refused(classifier):
    with pytest.raises(ValueError, match="at least one scan"):
        evaluate(classifier, dataset().subset(np.zeros(30, dtype=bool)))
