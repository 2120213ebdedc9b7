"""Levels at the shell: stacks are predicted and judged as wholes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from octlib.phantoms import make_phantoms


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give class folders with stacks of 3 pages, two a class, each of another patient."""
    folder = tmp_path_factory.mktemp("stacks")
    for number in range(2):
        for phantom in make_phantoms(4, scans_per_patient=1, size=(80, 96), seed=number):
            (folder / phantom.label).mkdir(exist_ok=True)
            pages = [Image.fromarray(phantom.image // dim) for dim in (3, 1, 2)]
            name = f"{phantom.label}-{phantom.patient.removeprefix('P')}{number}-1.tif"
            pages[0].save(folder / phantom.label / name, save_all=True, append_images=pages[1:])
    return folder


def test_a_row_of_the_table_is_a_volume(shell, classifier, stacks, tmp_path):
    result = shell("predict", classifier, stacks, "--level", "volume", "-o", tmp_path / "p.csv", "--json")
    assert result.exit_code == 0, result.output
    assert "Probabilities: mean probability over the scans of each volume." in result.stderr
    table = pd.read_csv(tmp_path / "p.csv")
    assert table["n_scans"].tolist() == [3] * 8
    assert table["position"].isin([0, 1, 2]).all()
    rows = json.loads(result.stdout)["predictions"]
    assert [row["strongest"] for row in rows] == [f"{row['name']}#{row['position']}" for row in rows]
    assert all(sum(row["probabilities"].values()) == pytest.approx(1) for row in rows)


def test_volumes_are_evaluated(shell, classifier, stacks, tmp_path):
    result = shell("evaluate", classifier, stacks, "--level", "volume", "-o", tmp_path / "e")
    assert result.exit_code == 0, result.output
    assert "Evaluation of 8 volumes (mean probability over the scans of each volume) of 8 patients" in result.stdout
    metrics = json.loads((tmp_path / "e/metrics.json").read_text())
    assert (metrics["n_scans"], metrics["level"], metrics["resampled"]) == (8, "volume", "patient")
    assert len(pd.read_csv(tmp_path / "e/predictions.csv")) == 8


def test_a_page_of_volumes_shows_their_strongest_slices(shell, classifier, stacks, tmp_path):
    assert shell("report", classifier, stacks, "--level", "volume", "-o", tmp_path / "report.html").exit_code == 0
    page = (tmp_path / "report.html").read_text()
    assert "of 8 volumes of 8 patients were recognised" in page
    assert "Mean probability over the scans of each volume." in page


def test_what_can_not_be_gathered_is_told_in_the_shells_words(mistake, classifier, stacks, flat, tmp_path):
    said = mistake("predict", classifier, flat, "--level", "volume", "-o", tmp_path / "p.csv")
    assert "level='volume' needs the volume of every scan, and 3 of 3 have none" in said
    assert said.endswith("Choose another --level, or mend what the table says of these scans.")
    assert "needs the eye" in mistake("evaluate", classifier, stacks, "--level", "eye", "-o", tmp_path / "e")
    assert list(tmp_path.iterdir()) == []
