"""Evaluate: ``octlib evaluate``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import octlib


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory, shell, classifier, scans):
    output = tmp_path_factory.mktemp("evaluate") / "evaluation"
    result = shell("evaluate", classifier, scans, "--output", output)
    assert result.exit_code == 0, result.output
    assert "metrics.json" in result.stdout
    return output


def test_it_leaves_these_files(evaluation, is_figure):
    assert {path.name for path in evaluation.iterdir()} == {"metrics.json", "predictions.csv", "confusion_matrix.png"}
    assert is_figure(evaluation / "confusion_matrix.png")


def test_the_metrics_are_those_of_the_library(evaluation, classifier, scans):
    metrics = json.loads((evaluation / "metrics.json").read_text())
    expected = octlib.evaluate(octlib.load_classifier(classifier), scans)
    assert metrics["accuracy"] == expected.accuracy
    assert metrics["macro_f1"] == expected.macro_f1
    assert metrics["f1"] == expected.f1
    assert metrics["intervals"]["accuracy"] == list(expected.intervals["accuracy"])
    assert metrics["intervals"]["f1"] == {name: list(ends) for name, ends in expected.intervals["f1"].items()}


def test_an_archive_is_as_good_as_its_folder(evaluation, shell, classifier, scans, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "scans"), "zip", scans)
    result = shell("evaluate", classifier, archive, "--output", tmp_path / "packed")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "packed/metrics.json").read_text() == (evaluation / "metrics.json").read_text()
    tables = [
        pd.read_csv(folder / "predictions.csv").drop(columns="path") for folder in (tmp_path / "packed", evaluation)
    ]
    pd.testing.assert_frame_equal(*tables)


def test_there_is_a_prediction_a_scan(evaluation, scans):
    table = pd.read_csv(evaluation / "predictions.csv")
    names = ["CNV", "DME", "DRUSEN", "NORMAL"]
    assert list(table.columns) == ["name", "path", "patient", "label", "predicted", *(f"p_{name}" for name in names)]
    assert sorted(table["path"]) == sorted(map(str, scans.rglob("*.png")))
    assert table[[f"p_{name}" for name in names]].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)


def test_scans_without_labels_are_refused(mistake, classifier, flat, tmp_path):
    assert "labels" in mistake("evaluate", classifier, flat, "--output", tmp_path / "evaluation")
    assert not (tmp_path / "evaluation").exists()


def test_a_wrong_classifier_is_named(mistake, scans, tmp_path):
    assert "No classifier at 'nowhere'" in mistake("evaluate", "nowhere", scans, "--output", tmp_path / "evaluation")


def test_a_misspelt_folder_is_recognised(mistake, classifier, scans, tmp_path):
    misspelt = scans.with_name(scans.name + "x")
    text = mistake("evaluate", classifier, misspelt, "--output", tmp_path / "evaluation")
    assert f"Did you mean '{scans}'?" in text
    assert list(tmp_path.iterdir()) == []


def test_a_broken_image_is_named(mistake, classifier, broken, tmp_path):
    shutil.copytree(classifier, tmp_path / "alone")  # beside which nothing says that it was trained on these patients
    text = mistake("evaluate", tmp_path / "alone", broken, "--output", tmp_path / "evaluation")
    assert str(broken / "DME" / "DME-") in text
    assert not (tmp_path / "evaluation").exists()


def test_an_existing_folder_is_kept(mistake, evaluation, classifier, scans):
    before = (evaluation / "metrics.json").read_bytes()
    assert "exists already" in mistake("evaluate", classifier, scans, "--output", evaluation)
    assert (evaluation / "metrics.json").read_bytes() == before


def test_broken_images_are_left_out_on_request(shell, classifier, broken, tmp_path):
    output = tmp_path / "evaluation"
    result = shell("evaluate", classifier, broken, "--output", output, "--on-error", "skip")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Warning: 8 of 32 scans can't be read and were left out: ") == 1
    assert json.loads((output / "metrics.json").read_text())["n_scans"] == 24


def test_patients_that_were_trained_on_are_said(shell, classifier, scans, tmp_path):
    split = pd.read_csv(classifier.parent / "split.csv")
    known = split.loc[split["part"] != "test", "patient"].nunique()
    result = shell("evaluate", classifier, scans, "-o", tmp_path / "all")
    assert result.stderr.count(f"Warning: {known} patients of the folder are among those that the classifier was") == 1
    for path in split.loc[split["part"] == "test", "path"].map(Path):
        (tmp_path / "test" / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "test" / path.parent.name)
    result = shell("evaluate", classifier, tmp_path / "test", "-o", tmp_path / "tested")
    assert result.exit_code == 0, result.output
    assert "was trained" not in result.stderr


def test_options_reach_the_library(shell, classifier, scans, tmp_path):
    options = ("--confidence", "0.8", "--seed", "3", "--flips", "--cache", "off", "--batch-size", "5")
    result = shell("evaluate", classifier, scans, "-o", tmp_path / "out", *options, "--json")
    assert result.exit_code == 0, result.output
    model = octlib.load_classifier(classifier)
    expected = octlib.evaluate(model, scans, confidence=0.8, seed=3, flips=True, cache=False, batch_size=5)
    document = json.loads(result.stdout)
    assert document["metrics"] == json.loads(json.dumps(expected.to_dict()))
    assert expected.to_dict() != octlib.evaluate(model, scans, confidence=0.8, seed=3).to_dict()  # flips matter
    assert document["files"] == ["confusion_matrix.png", "metrics.json", "predictions.csv"]


def test_groups_are_written_on_request(shell, classifier, scans, tmp_path):
    result = shell("evaluate", classifier, scans, "-o", tmp_path / "out", "--by", "label", "--json")
    assert result.exit_code == 0, result.output
    assert "groups.csv" in json.loads(result.stdout)["files"]
    table = pd.read_csv(tmp_path / "out" / "groups.csv")
    assert table["group"].unique().tolist() == ["CNV", "DME", "DRUSEN", "NORMAL"]
    assert "by label" in result.stderr
    assert result.stderr.count("Classes are absent from 4 of the 4 groups") == 1


def test_a_misspelt_column_costs_no_pass(mistake, classifier, scans, tmp_path):
    text = mistake("evaluate", classifier, scans, "-o", tmp_path / "out", "--by", "lable")
    assert "Unknown column 'lable': did you mean 'label'" in text
    assert not (tmp_path / "out").exists()


def test_one_published_split_can_be_chosen(shell, classifier, scans, tmp_path):
    shutil.copytree(scans, tmp_path / "all" / "train")
    shutil.copytree(scans / "DME", tmp_path / "all" / "test" / "DME")
    result = shell("evaluate", classifier, tmp_path / "all", "-o", tmp_path / "out", "--split", "test", "--json")
    assert json.loads(result.stdout)["metrics"]["n_scans"] == 8
    assert "Warning: No scan is of class CNV, DRUSEN, NORMAL" in result.stderr
