"""Compare: ``octlib compare``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import octlib
from octlib.cli.compare import name_apart


@pytest.fixture(scope="module")
def other(tmp_path_factory, classifier, scans):
    """Give a second classifier, which stands in its run's folder as that of ``octlib train`` does."""
    folder = tmp_path_factory.mktemp("runs") / "other" / "classifier"
    model = octlib.build_classifier("test_resnet", weights=None, image_size=48, seed=7)
    model.save(folder)
    return folder


@pytest.fixture(scope="module")
def compared(tmp_path_factory, shell, classifier, other, scans):
    output = tmp_path_factory.mktemp("compare") / "comparison"
    result = shell("compare", classifier, other, scans, "--output", output, "--seed", 3, "--json")
    assert result.exit_code == 0, result.output
    return output, result


def test_it_leaves_these_files(compared, is_figure):
    output, result = compared
    files = ["comparison.json", "differences.csv", "differences.png"]
    assert sorted(path.name for path in output.iterdir()) == files == json.loads(result.stdout)["files"]
    assert is_figure(output / "differences.png")


def test_the_figures_are_those_of_the_library(compared, classifier, other, scans):
    output, result = compared
    models = [octlib.load_classifier(each) for each in (classifier, other)]
    names = name_apart([classifier, other])
    expected = octlib.compare(*models, scans, names=names, seed=3)
    plain = json.loads((output / "comparison.json").read_text())
    assert plain == json.loads(result.stdout)["comparison"] == expected.to_dict()
    table = pd.read_csv(output / "differences.csv", keep_default_na=False, na_values=[""])
    assert table["difference"].tolist() == pytest.approx(expected.to_frame()["difference"].tolist(), nan_ok=True)
    assert result.stderr.count(repr(expected)) == 1


def test_patients_that_one_was_trained_on_are_said(compared, classifier):
    assert compared[1].stderr.count("patients of the folder are among those that the classifier was trained") == 1


def test_mistakes_leave_nothing(mistake, shell, classifier, other, scans, tmp_path):
    output = tmp_path / "out"
    assert "is named more than once" in mistake("compare", classifier, classifier, scans, "-o", output)
    assert "No classifier at" in mistake("compare", classifier, scans, other, "-o", output)
    assert "Did you mean" in mistake("compare", classifier, other.parent, scans, "-o", output)
    lone = shell("compare", classifier, scans, "-o", output)
    assert lone.exit_code == 2
    assert "Two classifiers or more are needed, then the scans; got 1 before them." in lone.stderr
    assert list(tmp_path.iterdir()) == []


def test_classifiers_of_other_classes_are_refused(mistake, other, scans, tmp_path):
    folder = tmp_path / "binary"
    octlib.build_classifier("test_resnet", weights=None, image_size=48, class_names=["CNV", "AMD"]).save(folder)
    said = mistake("compare", other, folder, scans, "-o", tmp_path / "out")
    assert "must have the same classes" in said
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_kept(mistake, compared, classifier, other, scans):
    before = (compared[0] / "comparison.json").read_bytes()
    assert "exists already" in mistake("compare", classifier, other, scans, "--output", compared[0])
    assert (compared[0] / "comparison.json").read_bytes() == before


def test_three_classifiers_and_a_level(shell, classifier, other, scans, tmp_path):
    shutil.copytree(other, tmp_path / "third")
    result = shell(
        "compare", classifier, other, tmp_path / "third", scans, "-o", tmp_path / "out", "--level", "patient"
    )
    assert result.exit_code == 0, result.output
    plain = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert len(plain["pairs"]) == 3
    assert plain["level"] == "patient"


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["run1/classifier", "run2/classifier"], ["run1", "run2"]),
        (["a/x", "a/y"], ["x", "y"]),
        (["a/1/c", "a/2/c", "b/1/c"], ["a/1", "a/2", "b/1"]),
        (["run", "run/classifier"], ["run", "run/classifier"]),
        (["one.keras", "two/classifier"], ["one.keras", "two/classifier"]),
        (["odd\udcff/classifier", "even/classifier"], ["odd_", "even"]),
    ],
)
def test_names_are_what_differs_in_the_paths(paths, names):
    assert name_apart([Path(path) for path in paths]) == names
