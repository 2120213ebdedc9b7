"""Scripts: pretraining octlib's own backbone gives the same weights again, counting parameters the same file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file

import octlib
from octlib.models.octlib_backbone import ARCHITECTURE
from octlib.models.parameter_counts import parameter_counts

FOLDER = Path(__file__).parents[1] / "scripts"
SCRIPT = FOLDER / "pretrain_backbone.py"


def pretrained(folder: Path, *arguments: str) -> dict[str, torch.Tensor]:
    """Run both stages on as few phantoms as make a batch."""
    command = [sys.executable, str(SCRIPT), "--output", str(folder), "--scans", "64", "--epochs", "1", "1", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return load_file(folder / "model.safetensors")


def test_pretraining_gives_a_timm_folder_and_the_same_weights_again(tmp_path):
    first, again = (pretrained(tmp_path / name, "--workers", workers) for name, workers in (("a", "1"), ("b", "2")))
    assert all(torch.equal(first[name], again[name]) for name in first)
    start = octlib.build_classifier(ARCHITECTURE, weights=None).to_torch().backbone.module.state_dict()
    assert any(not torch.equal(first[name], start[name]) for name in start)
    classifier = octlib.build_classifier(ARCHITECTURE, weights=tmp_path / "a")
    assert classifier.image_size == (224, 224)

    further = pretrained(tmp_path / "c", "--start", str(tmp_path / "a"))
    assert any(not torch.equal(first[name], further[name]) for name in first)


def test_parameters_are_counted_as_the_file_has_them(tmp_path):
    file = tmp_path / "counts.json"
    file.write_text(json.dumps({"parameters": {"test_vit": 1, "of_former_days": 2}}))
    command = [sys.executable, str(FOLDER / "count_parameters.py"), "test_*net", "--output", str(file)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    counts = json.loads(file.read_text())["parameters"]
    assert (counts.pop("of_former_days"), counts.pop("test_vit")) == (2, 1)  # as they were
    known = parameter_counts()
    assert counts == {name: known[name] for name in timm.list_models("test_*net")}
