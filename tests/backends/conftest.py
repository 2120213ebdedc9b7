"""What every backend of Keras has to do alike: small classifiers, phantoms, and processes on other backends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import octlib

Build = Callable[..., Any]


@pytest.fixture(scope="session")
def phantoms() -> octlib.OctDataset:
    """Give 24 phantoms of as many patients."""
    return octlib.load_oct_dataset("phantoms").sample(24)


@pytest.fixture(scope="session")
def build() -> Build:
    """Give ``build_classifier`` with the defaults of a test: a tiny network with BatchNorm, 64 pixels."""

    def build_tiny(backbone: str = "test_resnet", freeze: bool = True, **kwargs: Any) -> Any:
        return octlib.build_classifier(backbone, freeze, **{"weights": None, "image_size": 64, **kwargs})

    return build_tiny


@pytest.fixture(scope="session")
def on_backend() -> Callable[..., str]:
    """Give a function that runs Python code in a new process, on a backend, and returns what it prints."""

    def run(backend: str, code: str, *arguments: Path | str, **environment: str) -> str:
        settings = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run
