"""Predictions as a table: one row a scan, in order, with what is known about it."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import octlib.features
from octlib.data import load_oct_dataset
from octlib.evaluation import predict
from octlib.models import Postprocessing

NAMES = ("CNV", "NORMAL")
PROBABILITIES = np.array([[0.25, 0.75], [0.875, 0.125], [0.5, 0.5]], dtype=np.float32)


@pytest.fixture
def classifier(monkeypatch):
    classifier = SimpleNamespace(class_names=NAMES, postprocessing=Postprocessing())

    def probabilities(_, dataset, **options):
        classifier.options = options
        return PROBABILITIES[: len(dataset)]

    monkeypatch.setattr(octlib.features, "predict_probabilities", probabilities)
    monkeypatch.setattr("octlib.models.classifier.require_classifier", lambda _: None)
    return classifier


@pytest.fixture
def familiar(monkeypatch):
    """Three numbers that the scans' familiarity takes in turn."""
    numbers = np.array([0.5, -0.5, -0.75], np.float32)
    monkeypatch.setattr(octlib.features, "familiarity", lambda _, scans, **__: np.resize(numbers, len(scans)))
    monkeypatch.setattr(import_module("octlib.features.familiarity"), "require_reference", lambda _: None)
    return numbers


def test_familiarity_stands_before_what_is_predicted(classifier, familiar):
    table = predict(classifier, np.zeros((3, 8, 8), dtype=np.uint8), familiarity=True)
    assert list(table.columns[:6]) == ["name", "path", "patient", "familiarity", "familiar", "predicted"]
    assert table["familiarity"].tolist() == familiar.tolist()
    assert table["familiarity"].dtype == np.float32
    assert table["familiar"].tolist() == [True, False, False]


def test_familiarity_of_a_patient_is_the_mean_of_the_scans(classifier, familiar):
    scans = load_oct_dataset((np.zeros((3, 8, 8), np.uint8), None, ["p1", "p2", "p1"]))
    table = predict(classifier, scans, level="patient", familiarity=True)
    assert table["familiarity"].tolist() == [-0.125, -0.5]
    assert table["familiar"].tolist() == [False, False]


def test_table_of_bare_pixels(classifier):
    table = predict(classifier, np.zeros((3, 8, 8), dtype=np.uint8))
    assert list(table.columns) == ["name", "path", "patient", "predicted", "p_CNV", "p_NORMAL"]
    assert table["predicted"].tolist() == ["NORMAL", "CNV", "CNV"]
    assert table["patient"].tolist() == [None, None, None]
    assert np.array_equal(table[["p_CNV", "p_NORMAL"]].to_numpy(), PROBABILITIES)
    assert table["p_CNV"].dtype == np.float32


def test_options_are_handed_on(classifier):
    predict(classifier, np.zeros((3, 8, 8), dtype=np.uint8), cache=False, flips=True, batch_size=8, progress=False)
    assert classifier.options == {"cache": False, "flips": True, "batch_size": 8, "progress": False}


def test_patients_come_along_and_labels_are_not_needed(classifier):
    scans = load_oct_dataset((np.zeros((3, 8, 8), np.uint8), [0, 0, 1], ["p1", None, "p2"]), class_names=("x", "y"))
    assert predict(classifier, scans)["patient"].tolist() == ["p1", None, "p2"]


def test_what_identifies_a_scan_comes_first_and_the_table_survives_csv(classifier, tmp_path):
    paths = [tmp_path / "a, b.png", tmp_path / "c.png", tmp_path / "d.png"]
    for path in paths:
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(path)
    table = predict(classifier, tmp_path)
    assert table["name"].tolist() == ["a, b.png", "c.png", "d.png"]
    assert table["path"].tolist() == [str(path) for path in paths]
    table.to_csv(tmp_path / "predictions.csv", index=False)
    again = pd.read_csv(tmp_path / "predictions.csv")
    assert again["name"][0] == "a, b.png"
    assert np.array_equal(again[["p_CNV", "p_NORMAL"]].to_numpy(np.float32), PROBABILITIES)
