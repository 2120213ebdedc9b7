"""Export: files in both formats, and what the shell says of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import octlib
from octlib.models import Postprocessing


def test_a_program_gives_the_classifiers_probabilities(shell, classifier, tmp_path):
    output = tmp_path / "new" / "classifier.pt2"
    result = shell("export", classifier, "--output", output, "--json")  # the suffix says which format
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["output"], document["format"], document["image_size"]) == (str(output), "torch", [48, 48])
    assert document["class_names"] == ["CNV", "DME", "DRUSEN", "NORMAL"]
    assert 0 <= document["largest_difference"] < 1e-5
    scans = np.random.default_rng(1).integers(0, 256, (3, 48, 48)).astype(np.float32)
    found = torch.export.load(output).module()(torch.from_numpy(scans)).numpy()
    np.testing.assert_allclose(found, octlib.load_classifier(classifier)(scans).numpy(force=True), atol=1e-5)


def test_onnx_is_the_default(shell, classifier, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime", reason="needs octlib[onnx]")
    pytest.importorskip("onnxscript", reason="needs octlib[onnx]")
    monkeypatch.chdir(tmp_path)
    result = shell("export", classifier)
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == ["octlib-classifier.onnx"]
    assert "Largest difference of a probability, on random scans: " in result.stdout
    assert "Classes: CNV, DME, DRUSEN, NORMAL." in result.stdout
    assert result.stderr == ""


def test_a_missing_extra_is_a_mistake_and_not_a_fault(mistake, classifier, tmp_path, monkeypatch):
    monkeypatch.setattr("octlib.models.exporting.find_spec", lambda _: None)
    assert "pip install 'octlib[onnx]'" in mistake("export", classifier, "-o", tmp_path / "c.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_suffix_of_another_format_is_refused(mistake, classifier, tmp_path):
    assert "must end in .pt2" in mistake("export", classifier, "-o", tmp_path / "c.onnx", "--format", "torch")


def test_an_existing_file_is_kept(mistake, classifier, tmp_path):
    (tmp_path / "c.onnx").write_text("precious")
    assert "exists already" in mistake("export", classifier, "-o", tmp_path / "c.onnx")
    assert (tmp_path / "c.onnx").read_text() == "precious"


def test_flips_are_in_the_file(shell, classifier, tmp_path):
    model = octlib.load_classifier(classifier)
    model.postprocessing = Postprocessing(flips=True)
    model.save(tmp_path / "flipping")
    result = shell("export", tmp_path / "flipping", "-o", tmp_path / "c.pt2")
    assert (result.exit_code, result.stderr) == (0, "")
    scans = np.random.default_rng(1).integers(0, 256, (3, 48, 48)).astype(np.float32)
    found = torch.export.load(tmp_path / "c.pt2").module()(torch.from_numpy(scans)).numpy()
    views = [model(view).numpy(force=True) for view in (scans, scans[:, :, ::-1].copy())]
    np.testing.assert_allclose(found, (views[0] + views[1]) / 2, atol=1e-5)
