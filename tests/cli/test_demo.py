"""Demo: ``octlib demo``, made small in this process, and whole in one of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pandas as pd
import pytest

import octlib

FILES = {
    "classifier", "split.csv", "history.csv", "history.png", "metrics.json", "predictions.csv", "confusion_matrix.png",
    "pointing.json", "report.html",
}  # fmt: skip


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Make the demo quick: one scan of every other patient."""
    load = octlib.load_oct_dataset

    def few(source):
        assert {spec.severity for spec in source} == {0.1}
        return load(source).subset(range(0, 120, 3))

    monkeypatch.setattr(octlib, "load_oct_dataset", few)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_shows_everything_and_takes_a_free_name(small, shell):
    result = shell("demo")
    assert result.exit_code == 0, result.output
    assert "prove nothing about patients" in " ".join(result.stdout.split())
    assert "Written to octlib-demo/" in result.stdout
    assert "Open octlib-demo/report.html" in result.stdout
    folder = small / "octlib-demo"
    assert {path.name for path in folder.iterdir()} == FILES
    assert json.loads((folder / "metrics.json").read_text())["n_patients"] == 6

    before = (folder / "split.csv").read_text()
    assert shell("demo", "--seed", 1).exit_code == 0
    assert (small / "octlib-demo-2" / "split.csv").read_text() != before
    assert (folder / "split.csv").read_text() == before


def test_an_existing_folder_is_kept(small, mistake):
    (small / "mine").mkdir()
    (small / "mine" / "file").write_text("precious")
    assert "exists already" in mistake("demo", "--output", "mine")
    assert (small / "mine" / "file").read_text() == "precious"


def test_a_new_user_sees_all_of_it_without_network_or_home(tmp_path):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HOME": str(tmp_path / "home")}
    environment.pop("OCTLIB_CACHE", None)
    command = [sys.executable, "-m", "octlib", "demo", "--json", "--output", "demo"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert set(document["files"]) == FILES
    # What the demo promises: most unseen patients are recognised, not all, and the maps of those point at lesions.
    assert 0.85 <= document["metrics"]["accuracy"] <= 0.97
    assert document["pointing"]["rate"] >= 0.8
    assert document["pointing"]["chance"] < 0.2
    split = pd.read_csv(tmp_path / "demo" / "split.csv")
    assert (split.groupby("patient")["part"].nunique() == 1).all()
    page = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    assert f"{document['metrics']['accuracy']:.3f}" in page
    assert all(link.startswith(("data:", "#")) for link in re.findall(r'(?:src|href)="([^"]*)"', page))


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["--seed", "-1"], 2, "-1 is not in the range"),
        (["--output", "taken"], 1, "taken exists already. Choose another --output"),
        (["phantoms"], 2, "unexpected extra argument (phantoms)"),
    ],
)
def test_mistakes_cost_a_line_and_no_time(tmp_path, arguments, status, text):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("precious")
    command = [sys.executable, "-m", "octlib", "demo", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == status
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
