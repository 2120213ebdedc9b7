"""Predict: ``octlib predict``."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

import octlib


def test_the_table_is_that_of_the_library(shell, classifier, flat, tmp_path):
    output = tmp_path / "new" / "predictions.csv"
    result = shell("predict", classifier, flat, "--output", output)
    assert result.exit_code == 0, result.output
    assert str(output) in result.stdout
    table = pd.read_csv(output)
    expected = octlib.predict(octlib.load_classifier(classifier), flat)
    assert list(table.columns) == list(expected.columns)
    assert list(table["path"]) == [str(flat / f"new_{number}.png") for number in range(3)]
    assert table["patient"].isna().all()
    assert list(table["predicted"]) == list(expected["predicted"])
    for name in ("p_CNV", "p_DME", "p_DRUSEN", "p_NORMAL"):
        assert table[name].to_numpy() == pytest.approx(expected[name].to_numpy(), abs=1e-6)


def test_default_names_are_free(shell, classifier, flat, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert shell("predict", classifier, flat).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["octlib-predictions-2.csv", "octlib-predictions.csv"]


def test_an_existing_file_is_kept(mistake, classifier, flat, tmp_path):
    (tmp_path / "mine.csv").write_text("precious")
    assert "exists already" in mistake("predict", classifier, flat, "--output", tmp_path / "mine.csv")
    assert (tmp_path / "mine.csv").read_text() == "precious"


def test_a_broken_image_is_named_and_leaves_no_table(mistake, classifier, broken, tmp_path):
    assert str(broken / "DME" / "DME-") in mistake("predict", classifier, broken, "-o", tmp_path / "p.csv")
    assert not (tmp_path / "p.csv").exists()


def test_arguments_in_the_wrong_order_are_told(mistake, classifier, flat, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "The classifier comes first, then the scans." in mistake("predict", flat, classifier)
    assert list(Path.cwd().iterdir()) == []


def test_broken_images_are_left_out_on_request(shell, classifier, broken, tmp_path):
    result = shell("predict", classifier, broken, "--output", tmp_path / "p.csv", "--on-error", "skip")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Warning: 8 of 32 scans can't be read and were left out: ") == 1
    paths = pd.read_csv(tmp_path / "p.csv")["path"]
    assert len(paths) == 24
    assert not paths.str.contains("DME").any()


def test_other_ways_to_take_an_error_are_refused(mistake, classifier, flat):
    assert "Unknown choice 'skp': did you mean 'skip'?" in mistake("predict", classifier, flat, "--on-error", "skp")


def test_options_reach_the_library(shell, classifier, flat, tmp_path, monkeypatch):
    given = {}
    predict = octlib.predict

    def noted(model, scans, **options):
        given.update(options)
        return predict(model, scans, **options)

    monkeypatch.setattr(octlib, "predict", noted)
    options = ("--flips", "--cache", "off", "--batch-size", "2", "-o", tmp_path / "p.csv")
    assert shell("predict", classifier, flat, *options).exit_code == 0
    assert given == {"flips": True, "cache": False, "batch_size": 2, "level": "scan", "familiarity": False}


def test_the_document_holds_the_table(shell, classifier, flat, tmp_path):
    result = shell("predict", classifier, flat, "-o", tmp_path / "p.csv", "--json")
    document = json.loads(result.stdout)
    table = pd.read_csv(tmp_path / "p.csv")
    assert list(document) == ["output", "counts", "predictions"]
    assert document["counts"] == table["predicted"].value_counts().to_dict()
    assert [row["path"] for row in document["predictions"]] == list(table["path"])
    assert [row["patient"] for row in document["predictions"]] == [None] * 3
    probabilities = [row["probabilities"]["DME"] for row in document["predictions"]]
    assert probabilities == pytest.approx(list(table["p_DME"]))
    assert str(tmp_path / "p.csv") in result.stderr


def test_the_paths_of_the_table_lead_to_the_files_whatever_they_are_called(shell, classifier, oddly_named, tmp_path):
    output = tmp_path / "p.csv"
    result = shell("predict", classifier, oddly_named, "--output", output, "--json")
    assert result.exit_code == 0, result.output
    with output.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        paths = [Path(row["path"]) for row in csv.DictReader(file)]
    assert set(paths) == set(oddly_named.rglob("*.png"))
    assert {Path(row["path"]) for row in json.loads(result.stdout)["predictions"]} == set(paths)


def test_familiarity_is_learned_and_told(shell, scans, flat, training, tmp_path):
    trained = shell("train", scans, "-o", tmp_path / "run", *training, "--familiarity")
    assert trained.exit_code == 0, trained.output
    result = shell(
        "predict", tmp_path / "run" / "classifier", flat, "-o", tmp_path / "p.csv", "--familiarity", "--json"
    )
    assert result.exit_code == 0, result.output
    table, rows = pd.read_csv(tmp_path / "p.csv"), json.loads(result.stdout)["predictions"]
    assert table["familiar"].tolist() == [row["familiar"] for row in rows] == (table["familiarity"] >= 0).tolist()
    evaluated = shell("evaluate", tmp_path / "run" / "classifier", scans, "-o", tmp_path / "e", "--familiarity")
    assert evaluated.exit_code == 0, evaluated.output
    assert pd.read_csv(tmp_path / "e" / "predictions.csv")["familiar"].dtype == bool


def test_familiarity_that_was_not_learned_is_an_error(mistake, classifier, flat, tmp_path):
    said = mistake("predict", classifier, flat, "-o", tmp_path / "p.csv", "--familiarity")
    assert "has learned none. Train with octlib train --familiarity" in said
    assert not (tmp_path / "p.csv").exists()
