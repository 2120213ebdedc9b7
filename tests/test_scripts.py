"""Scripts: pretraining octlib's own backbone gives the same weights again, counting parameters the same file."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
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
    assert all(torch.equal(first[name], again[name]) for name in first)
    start = octlib.build_classifier("octlib", weights=None).to_torch().backbone.module.state_dict()
    assert first.keys() == start.keys()
    assert all(not torch.equal(first[name], start[name]) for name in start if name.endswith("conv1.weight"))
    assert octlib.build_classifier("octlib", weights=tmp_path / "a").image_size == (224, 224)

    other = pretrain(tmp_path / "a", tmp_path / "work", "--seed", "1")
    assert other.returncode
    assert "was written with other settings or other code" in other.stderr
    nothing = pretrain(tmp_path / "a", tmp_path / "work", "--epochs", "0", "0")
    assert "one stage at least needs an epoch" in nothing.stderr
    assert all(torch.equal(first[name], value) for name, value in load_file(tmp_path / "a/model.safetensors").items())


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("pretrain_backbone")


@pytest.mark.parametrize("stage", ["recognise", "locate"])
def test_pretraining_goes_on_where_it_was_stopped(script: Any, tmp_path: Path, stage: str) -> None:
    data = script.collection(tmp_path, 64, 0, 1)
    settings = {"scans": 64, "epochs": {stage: 2}, "seed": 0}
    whole = script.Course(stage, settings, None)
    whole.epoch(data)
    whole.epoch(data)
    stopped = script.Course(stage, settings, None)
    stopped.epoch(data)
    stopped.save(tmp_path / "state.pt")
    resumed = script.Course(stage, settings, None)
    torch.manual_seed(1)
    resumed.restore(tmp_path / "state.pt")
    resumed.epoch(data)
    assert resumed.done == 2
    for part in ("pupil", "average"):
        wanted, found = (getattr(course, part).state_dict() for course in (whole, resumed))
        assert all(torch.equal(found[name], value) for name, value in wanted.items())


def test_scans_and_their_tissues_are_distorted_alike(script: Any) -> None:
    collection, distortion = (importlib.import_module(f"pretraining.{name}") for name in ("collection", "distortion"))
    tissues = torch.zeros(32, 96, 96, dtype=torch.uint8)
    tissues[:, 30:60, 20:70] = collection.FIRST_LESION
    images = torch.where(tissues > 0, 230, 10).to(torch.uint8)
    views, marked, _ = distortion.distorted(images, tissues, 64, torch.Generator().manual_seed(0))
    for view, tissue in zip(views, marked, strict=True):
        lesion, elsewhere = (view[tissue == kind] for kind in (collection.FIRST_LESION, 0))
        if min(len(lesion), len(elsewhere)) > 50:  # a close crop may show nothing else
            assert lesion.mean() > elsewhere.mean() + 0.3


def test_cells_of_lesions_change_places(script: Any) -> None:
    collection, pupil = (importlib.import_module(f"pretraining.{name}") for name in ("collection", "pupil"))
    tissues = torch.zeros(2, 8, 8, dtype=torch.int64)
    tissues[0, :4, :4] = collection.FIRST_LESION
    labels, last = torch.tensor([0, pupil.HEALTHY]), torch.stack([torch.ones(3, 2, 2), torch.zeros(3, 2, 2)])
    areas = torch.full((2, 6), 0.25)
    batch = pupil.Batch(torch.zeros(2, 8, 8), tissues, labels, areas, torch.tensor([True, True]))
    maps, classes, shown, _ = pupil.swapped(last, batch)
    lesion = torch.tensor([[1.0, 0.0], [0.0, 0.0]]).expand(3, 2, 2)
    assert torch.equal(maps, torch.stack([1 - lesion, lesion]))  # cured, infected
    assert classes.tolist() == [pupil.HEALTHY, 0]
    assert torch.equal(shown, torch.stack([torch.zeros(6), areas[0]]))


def test_parameters_are_counted_as_the_file_has_them(tmp_path):
    file = tmp_path / "counts.json"
    file.write_text(json.dumps({"parameters": {"test_vit": 1, "of_former_days": 2}}))
    command = [sys.executable, str(FOLDER / "count_parameters.py"), "test_*net", "--output", str(file)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    counts = json.loads(file.read_text())["parameters"]
    assert (counts.pop("of_former_days"), counts.pop("test_vit")) == (2, 1)  # as they were
    known = parameter_counts()
    assert counts == {name: known[name] for name in timm.list_models("test_*net")}
