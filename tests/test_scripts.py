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
from octlib.models.parameter_counts import parameter_counts

FOLDER = Path(__file__).parents[1] / "scripts"
SCRIPT = FOLDER / "pretrain_backbone.py"


def pretrain(folder: Path, work: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run both stages on as few phantoms as make a batch."""
    command = [sys.executable, str(SCRIPT), "--output", str(folder), "--work", str(work), "--scans", "64"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, "--epochs", "1", "1", *arguments], check=False, capture_output=True, text=True, env=environment
    )


def pretrained(folder: Path, work: Path, *arguments: str) -> dict[str, torch.Tensor]:
    done = pretrain(folder, work, *arguments)
    assert done.returncode == 0, done.stderr
    return load_file(folder / "model.safetensors")


def test_pretraining_gives_a_timm_folder_and_the_same_weights_again(tmp_path):
    first = pretrained(tmp_path / "a", tmp_path / "work", "--workers", "1")
    again = pretrained(tmp_path / "b", tmp_path / "afresh", "--workers", "2")
    (tmp_path / "work" / "locate.pt").unlink()  # as if it had been stopped in the second stage
    resumed = pretrained(tmp_path / "c", tmp_path / "work")
    assert all(torch.equal(first[name], again[name]) and torch.equal(first[name], resumed[name]) for name in first)
    start = octlib.build_classifier("octlib", weights=None).to_torch().backbone.module.state_dict()
    assert first.keys() == start.keys()
    assert all(not torch.equal(first[name], start[name]) for name in start if name.endswith("conv1.weight"))
    assert octlib.build_classifier("octlib", weights=tmp_path / "a").image_size == (224, 224)

    other = pretrain(tmp_path / "a", tmp_path / "work", "--seed", "1")
    assert other.returncode
    assert "names other settings than these" in other.stderr


def test_parameters_are_counted_as_the_file_has_them(tmp_path):
    file = tmp_path / "counts.json"
    file.write_text(json.dumps({"parameters": {"test_vit": 1, "of_former_days": 2}}))
    command = [sys.executable, str(FOLDER / "count_parameters.py"), "test_*net", "--output", str(file)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    counts = json.loads(file.read_text())["parameters"]
    assert (counts.pop("of_former_days"), counts.pop("test_vit")) == (2, 1)  # as they were
    known = parameter_counts()
    assert counts == {name: known[name] for name in timm.list_models("test_*net")}
