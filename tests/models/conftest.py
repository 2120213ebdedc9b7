"""Small classifiers, scans and fresh Python processes for the tests of the models."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

import octlib

Build = Callable[..., Any]


@pytest.fixture
def build() -> Build:
    """Give ``build_classifier`` with the defaults of a test: a tiny network, random weights, 64 pixels."""

    def build_tiny(backbone: str = "test_resnet", freeze: bool = True, **kwargs: Any) -> Any:
        return octlib.build_classifier(backbone, freeze, **{"weights": None, "image_size": 64, **kwargs})

    return build_tiny


@pytest.fixture(scope="session")
def scans() -> np.ndarray:
    """Give five scans as the graph takes them: uint8 (5, 64, 64)."""
    return np.random.default_rng(0).integers(0, 256, (5, 64, 64), dtype=np.uint8)


@pytest.fixture
def learned() -> Callable[[Any], Any]:
    """Give a function that moves BatchNorm's statistics away from those of a new network, as training would."""

    def learn(module: torch.nn.Module) -> torch.nn.Module:
        generator = torch.Generator().manual_seed(0)
        for name, buffer in module.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.add_(torch.rand(buffer.shape, generator=generator) / 2 - 0.25)
        return module

    return learn


@pytest.fixture
def classifier(build: Build, learned: Callable[[Any], Any]) -> Any:
    """Give a classifier whose every setting differs from its default."""
    classifier = build(
        freeze=False, class_names=("AMD", "DME", "NORMAL"), image_size=(64, 48), pooling="flatten", dropout=0.25, seed=3
    )
    learned(classifier.backbone.module)
    return classifier


OPENED: list[str] = []  # canaries, by whoever opened them
sys.addaudithook(
    lambda event, found: OPENED.append(str(found[0])) if event == "open" and "canary" in str(found) else None
)


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """Give a checkpoint that runs code where it is unpickled, and see that nobody so much as opens it."""

    class Code:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "was-run"),)

    file = tmp_path / "canary.pth"
    file.write_bytes(pickle.dumps(Code()))
    OPENED.clear()
    yield file
    assert not OPENED
    assert not (tmp_path / "was-run").exists()


@pytest.fixture
def timm_folder(tmp_path: Path, learned: Callable[[Any], Any]) -> Callable[..., Path]:
    """Give a function that writes a timm folder: random weights of a tiny network, with a configuration of its own."""

    def write(
        architecture: str = "test_resnet", model_args: dict[str, Any] | None = None, **pretrained_cfg: Any
    ) -> Path:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            module = learned(timm.create_model(architecture, **{"num_classes": 7, **(model_args or {})}))
        folder = tmp_path / "weights-of-ours"
        folder.mkdir()
        config = {
            "architecture": architecture,
            "num_classes": 7,
            "model_args": model_args or {},
            "pretrained_cfg": {
                "input_size": [3, 72, 88],
                "mean": [0.21, 0.32, 0.43],
                "std": [0.31, 0.22, 0.13],
                "num_classes": 7,
                "first_conv": module.pretrained_cfg["first_conv"],
                "classifier": module.pretrained_cfg["classifier"],
                **pretrained_cfg,
            },
        }
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        save_file(module.state_dict(), folder / "model.safetensors")
        return folder

    return write


@pytest.fixture
def timm_features() -> Callable[..., np.ndarray]:
    """Give a function that computes what timm itself says of grey scans: normalised, three channels, pooled."""

    def features(module: torch.nn.Module, scans: np.ndarray) -> np.ndarray:
        mean, std = (torch.tensor(module.pretrained_cfg[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
        colour = torch.from_numpy(scans).float().div(255).unsqueeze(1).expand(-1, 3, -1, -1)
        with torch.inference_mode():
            return module.eval()((colour - mean) / std).numpy()

    return features


@pytest.fixture(scope="session")
def start_python() -> Callable[..., subprocess.Popen[str]]:
    """Give a function that starts a fresh Python process; ``None`` unsets a variable of its environment."""

    def start(code: str, *arguments: object, **variables: str | None) -> subprocess.Popen[str]:
        environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **variables}
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env={name: value for name, value in environment.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture(scope="session")
def run_python(start_python: Callable[..., subprocess.Popen[str]]) -> Callable[..., Any]:
    """Give a function that runs code in a fresh process and returns what its last line says, as JSON."""

    def run(code: str, *arguments: object, **variables: str | None) -> Any:
        out, err = start_python(code, *arguments, **variables).communicate(timeout=300)
        assert out.strip(), err
        return json.loads(out.strip().splitlines()[-1])

    return run
