"""Results: the files of an evaluation and of a fit."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import octlib
from octlib.cli.results import write_evaluation, write_explanations, write_history, write_page
from octlib.errors import UndefinedMetricWarning


def test_an_evaluation_is_that_of_the_library_in_a_single_pass(tmp_path, monkeypatch, classifier, scans, is_figure):
    from octlib.features import forward

    passes = []
    monkeypatch.setattr(forward, "progress_bar", lambda batches, **named: passes.append(named["title"]) or batches)
    model, dataset = octlib.load_classifier(classifier), octlib.load_oct_dataset(scans)
    result = write_evaluation(tmp_path, model, dataset)
    assert passes == ["features"]
    expected = octlib.evaluate(model, dataset)
    assert result.to_dict() == expected.to_dict()
    assert json.loads((tmp_path / "metrics.json").read_text()) == json.loads(json.dumps(expected.to_dict()))
    assert is_figure(tmp_path / "confusion_matrix.png")


def test_labels_in_another_order_are_matched_by_name(tmp_path, classifier, scans):
    model = octlib.load_classifier(classifier)
    reversed_names = octlib.load_oct_dataset(scans, class_names=("NORMAL", "DRUSEN", "DME", "CNV"))
    write_evaluation(tmp_path, model, reversed_names)
    table = pd.read_csv(tmp_path / "predictions.csv")
    assert all(f"/{label}/" in path for label, path in zip(table["label"], table["path"], strict=True))


def test_other_classes_are_refused_before_anything_is_written(tmp_path, classifier, scans):
    other = octlib.load_oct_dataset(list((scans / "CNV").iterdir()))
    with pytest.raises(ValueError, match="label"):
        write_evaluation(tmp_path, octlib.load_classifier(classifier), other)
    assert list(tmp_path.iterdir()) == []


def test_fewer_scans_than_are_explained_by_default_are_enough(tmp_path, classifier, flat, is_figure):
    write_explanations(tmp_path, octlib.load_classifier(classifier), octlib.load_oct_dataset(flat))
    assert is_figure(tmp_path / "explanations.png")


def test_a_history_is_a_table_and_a_curve(tmp_path, is_figure):
    epoch = {"loss": 1.0, "accuracy": 0.5, "learning_rate": 1e-3, "seconds": 0.1}
    history = octlib.History(({"epoch": 1, **epoch}, {"epoch": 2, **epoch}), 2, 0.2)
    write_history(tmp_path, history)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "history.csv"), history.to_frame())
    assert is_figure(tmp_path / "history.png")


def test_a_page_shows_maps_and_the_worst_errors(tmp_path, classifier, scans, monkeypatch):
    model, dataset = octlib.load_classifier(classifier), octlib.load_oct_dataset(scans)
    result = octlib.evaluate(model, dataset)
    assert len(result.errors()) >= 6
    given = []
    write = octlib.write_report
    monkeypatch.setattr(octlib, "write_report", lambda *a, **named: (given.append((a, named)), write(*a, **named)))
    write_page(tmp_path / "report.html", model, dataset, result)
    ((path, evaluation, maps), named) = given[0]
    assert (path, evaluation) == (tmp_path / "report.html", result)
    assert {scan.label for scan in maps.scans} == set(model.class_names)
    assert list(named["errors"].scans.names) == list(dataset.subset(result.errors(6)).names)
    assert path.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_a_page_without_errors_has_no_gallery_of_them(tmp_path, classifier, scans):
    from octlib.evaluation import score

    model, dataset = octlib.load_classifier(classifier), octlib.load_oct_dataset(scans).sample(4)
    right = score(dataset.labels, np.eye(4)[dataset.labels], dataset.patients, dataset.class_names)
    write_page(tmp_path / "report.html", model, dataset, right)
    assert (tmp_path / "report.html").exists()


def test_maps_of_a_page_speak_of_the_predictions_that_were_measured(tmp_path, monkeypatch, classifier, scans):
    model, dataset = octlib.load_classifier(classifier), octlib.load_oct_dataset(scans)
    result = octlib.evaluate(model, dataset, flips=True)
    wanted = octlib.predict(model, dataset, flips=True).set_index("name")["predicted"]
    given = []
    write = octlib.write_report
    monkeypatch.setattr(octlib, "write_report", lambda *a, **named: (given.append((a, named)), write(*a, **named)))
    write_page(tmp_path / "report.html", model, dataset, result, flips=True)
    ((_, _, maps), named) = given[0]
    for shown in (maps, named["errors"]):
        assert list(shown.predicted) == wanted[list(shown.scans.names)].tolist()


def test_a_page_of_patients_shows_their_own_scans_with_the_class_that_they_were_taken_for(
    tmp_path, monkeypatch, classifier, scans
):
    """Names repeat, and the scan that speaks the most for a class may speak even more for another one."""
    model = octlib.load_classifier(classifier)
    files = sorted((scans / "CNV").iterdir())[:2] + sorted((scans / "DME").iterdir())[:2]
    table = pd.DataFrame({"path": list(map(str, files)), "patient": ["P1", "P1", "P2", "P2"], "name": ["1", "2"] * 2})
    dataset = octlib.load_oct_dataset(table.assign(label="NORMAL"), class_names=model.class_names)
    probabilities = np.array([[0.4, 0.58, 0.01, 0.01], [0.4, 0.01, 0.58, 0.01], [0.9, 0.04, 0.05, 0.01], [1, 0, 0, 0]])
    monkeypatch.setattr("octlib.features.predict_probabilities", lambda *_, **__: probabilities)
    with pytest.warns(UndefinedMetricWarning):
        result = octlib.evaluate(model, dataset, level="patient")
    given = []
    monkeypatch.setattr(octlib, "write_report", lambda *_, **named: given.append(named["errors"]))
    write_page(tmp_path / "report.html", model, dataset, result)
    (errors,) = given
    assert [(scan.patient, scan.name) for scan in errors.scans] == [("P2", "2"), ("P1", "1")]
    assert errors.scans.paths.tolist() == [files[3], files[0]]
    assert errors.targets == ("CNV", "CNV")
