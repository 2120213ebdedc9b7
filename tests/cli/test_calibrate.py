"""Calibrate: ``octlib calibrate``."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

import octlib
from octlib.models import Postprocessing


@pytest.fixture
def lonely(classifier, tmp_path):
    """Give a copy of the classifier, without the table of whom it was trained on."""
    return shutil.copytree(classifier, tmp_path / "alone" / "classifier")


def test_a_new_classifier_is_written_and_the_old_one_stays(shell, lonely, scans, tmp_path):
    was = (lonely / "model.safetensors").read_bytes()
    output = tmp_path / "calibrated"
    result = shell("calibrate", lonely, scans, "--output", output, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["files"] == ["calibration.csv", "calibration.json", "classifier"]
    assert document["calibration"] == json.loads((output / "calibration.json").read_text())
    found = octlib.load_classifier(output / "classifier").postprocessing
    assert found == Postprocessing(temperature=document["calibration"]["temperature"])
    assert (lonely / "model.safetensors").read_bytes() == was
    assert len(pd.read_csv(output / "calibration.csv")) == 32
    assert "Calibration on 32 scans of 32 patients" in result.stderr


def test_sets_come_out_in_the_table_of_predictions(shell, lonely, scans, flat, tmp_path):
    output = tmp_path / "calibrated"
    result = shell("calibrate", lonely, scans, "--output", output, "--coverage", "0.8")
    assert result.exit_code == 0, result.output
    assert "Sets for a coverage of 0.8, from one scan of each of 16 other patients" in result.stdout
    result = shell("predict", output / "classifier", flat, "-o", tmp_path / "p.csv", "--json")
    assert result.exit_code == 0, result.output
    sets = pd.read_csv(tmp_path / "p.csv", keep_default_na=False)["set"].tolist()
    rows = json.loads(result.stdout)["predictions"]
    assert [row["set"] for row in rows] == sets
    assert all(set(each.split("|")) <= {"CNV", "DME", "DRUSEN", "NORMAL", ""} for each in sets)
    assert list(rows[0]["probabilities"]) == ["CNV", "DME", "DRUSEN", "NORMAL"]


def test_patients_of_training_and_of_calibration_are_told(shell, classifier, scans, tmp_path):
    output = tmp_path / "calibrated"
    result = shell("calibrate", classifier, scans, "--output", output)
    assert result.exit_code == 0, result.output
    assert (
        "split.csv says: its probabilities seem better there than elsewhere. Calibrate it on others." in result.stderr
    )
    result = shell("evaluate", output / "classifier", scans, "-o", tmp_path / "e")
    assert result.exit_code == 0, result.output
    for table in ("split.csv", "calibration.csv"):
        assert f"{output / table} says: the figures come out too high. Evaluate it on others." in result.stderr


def test_too_few_patients_leave_nothing(mistake, lonely, scans, tmp_path):
    said = mistake("calibrate", lonely, scans, "-o", tmp_path / "c", "--coverage", "0.99")
    assert "need 100 patients, and the temperature 10 others: 110 in all, got 32. Give scans of more patients" in said
    assert "or a lower --coverage." in said
    assert not (tmp_path / "c").exists()


def test_what_is_there_stays(mistake, lonely, scans, tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "mine.txt").write_text("precious")
    assert "exists already" in mistake("calibrate", lonely, scans, "-o", tmp_path / "c")
    assert (tmp_path / "c" / "mine.txt").read_text() == "precious"
    assert "The classifier comes first, then the scans." in mistake("calibrate", scans, lonely)


def test_a_coverage_that_cannot_be_is_a_usage_error(shell, lonely, scans):
    for coverage in ("0.2", "1", "ninety"):
        assert shell("calibrate", lonely, scans, "--coverage", coverage).exit_code == 2
