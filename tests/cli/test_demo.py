"""Demo: ``octlib demo``, made small."""

from __future__ import annotations

import json

import pytest

import octlib
from octlib.cli import demo


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Make the demo quick: one epoch on one scan of every other patient, at a small size."""
    load = octlib.load_oct_dataset

    def few(source):
        assert source == "phantoms"
        scans = load(source)
        return scans.subset(range(0, 120, 3))

    monkeypatch.setattr(octlib, "load_oct_dataset", few)
    monkeypatch.setattr(demo, "EPOCHS", 1)
    monkeypatch.setattr(demo, "IMAGE_SIZE", 32)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_shows_everything_and_takes_a_free_name(small, shell, is_figure):
    result = shell("demo")
    assert result.exit_code == 0, result.output
    assert "prove nothing about patients" in result.stdout
    assert "Written to octlib-demo/" in result.stdout
    folder = small / "octlib-demo"
    figures = {"history.png", "confusion_matrix.png", "explanations.png"}
    files = {"classifier", "split.csv", "history.csv", "metrics.json", "predictions.csv"}
    assert {path.name for path in folder.iterdir()} == files | figures
    assert all(is_figure(folder / name) for name in figures)
    assert json.loads((folder / "metrics.json").read_text())["n_patients"] == 6
    assert octlib.load_classifier(folder / "classifier").image_size == (32, 32)

    before = (folder / "split.csv").read_text()
    assert shell("demo", "--seed", 1).exit_code == 0
    assert (small / "octlib-demo-2" / "split.csv").read_text() != before
    assert (folder / "split.csv").read_text() == before


def test_an_existing_folder_is_kept(small, mistake):
    (small / "mine").mkdir()
    (small / "mine" / "file").write_text("precious")
    assert "exists already" in mistake("demo", "--output", "mine")
    assert (small / "mine" / "file").read_text() == "precious"
