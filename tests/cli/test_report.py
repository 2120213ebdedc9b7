"""Report: the page is about the scans that the classifier was not trained on, where that can be known."""

from __future__ import annotations

import json
import re
import shutil

import pandas as pd

import octlib


def section(page, name):
    """Give the text of a section without its tags."""
    found = re.search(f'<section id="{name}">(.*?)</section>', page.read_text(encoding="utf-8"), re.DOTALL)
    return " ".join(re.sub("<[^>]*>", " ", found[1]).split()) if found else None


def test_of_its_own_scans_the_test_part_is_evaluated(run, scans, shell, tmp_path):
    page = tmp_path / "report.html"
    result = shell("report", run / "classifier", scans, "-o", page, "--json")
    assert result.exit_code == 0, result.output
    split = pd.read_csv(run / "split.csv")
    counts = split["part"].value_counts()
    document = json.loads(result.stdout)
    assert document["metrics"]["n_scans"] == counts["test"]
    assert document["metrics"]["accuracy"] == json.loads((run / "metrics.json").read_text())["accuracy"]
    patients = split.groupby("part")["patient"].nunique()
    for part in counts.index:
        assert f"{part} {counts[part]} {patients[part]} " in section(page, "parts")
    assert "No patient is known to be in two parts." in section(page, "parts")
    assert "The epoch that was kept is number" in section(page, "history")
    assert "duplicate" in section(page, "audit")
    assert "SHA-256 of all weights" in section(page, "making")
    assert "the authors have to tell" not in section(page, "limits")


def test_other_scans_are_evaluated_as_a_whole(run, scans, shell, tmp_path):
    others = octlib.load_oct_dataset(octlib.phantoms.phantom_specs(8, scans_per_patient=1, seed=5, size=64))
    for scan in others:
        (tmp_path / "others" / scan.label).mkdir(parents=True, exist_ok=True)
        shutil.copy(next((scans / scan.label).iterdir()), tmp_path / "others" / scan.label / f"{scan.name}.png")
    page = tmp_path / "report.html"
    result = shell("report", run / "classifier", tmp_path / "others", "-o", page, "--no-audit")
    assert result.exit_code == 0, result.output
    assert "The page is about 8 scans." in result.stdout
    assert section(page, "parts") is None
    assert section(page, "audit") is None
    assert "whether it had seen these scans" in section(page, "limits")


def test_scans_that_are_there_in_part_are_said_to_be_others(run, scans, shell, tmp_path):
    shutil.copytree(scans, tmp_path / "more")
    first = next((tmp_path / "more" / "CNV").iterdir())
    shutil.copy(first, first.with_name("CNV-999-1.png"))
    result = shell("report", run / "classifier", tmp_path / "more", "-o", tmp_path / "r.html", "--no-audit")
    assert result.exit_code == 0, result.output
    n = len(octlib.load_oct_dataset(tmp_path / "more"))
    assert f"{n - 1} of the {n} scans have names, labels and patients of scans in" in " ".join(result.stderr.split())
    assert "the figures come out too high" in " ".join(result.stderr.split())
    assert f"The page is about {n} scans." in result.stdout


def test_a_page_that_exists_is_kept(run, scans, mistake, tmp_path):
    (tmp_path / "report.html").write_text("precious")
    assert "exists already" in mistake("report", run / "classifier", scans, "-o", tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text() == "precious"


def test_scans_that_were_trained_on_are_no_test_part(run, scans, shell, tmp_path):
    split = pd.read_csv(run / "split.csv")
    for name, label in split.loc[split["part"] == "train", ["name", "label"]].itertuples(index=False):
        (tmp_path / "trained" / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(scans / name, tmp_path / "trained" / name)
    page = tmp_path / "report.html"
    result = shell("report", run / "classifier", tmp_path / "trained", "-o", page, "--no-audit")
    assert result.exit_code == 0, result.output
    assert "of the test part" not in result.stdout
    assert "the figures come out too high" in " ".join(result.stderr.split())
    assert "whether it had seen these scans" in section(page, "limits")


def test_a_test_part_that_was_calibrated_on_is_told(run, scans, shell, tmp_path):
    copied = shutil.copytree(run, tmp_path / "run")
    split = pd.read_csv(run / "split.csv", dtype=str)
    split[split["part"] == "test"].assign(part="calibration").to_csv(copied / "calibration.csv", index=False)
    result = shell("report", copied / "classifier", scans, "-o", tmp_path / "report.html", "--no-audit")
    assert result.exit_code == 0, result.output
    assert "of the test part" in result.stdout
    assert "calibration.csv says: the figures come out too high" in " ".join(result.stderr.split())
