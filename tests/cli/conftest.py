"""Fixtures of the shell: a folder of small scans, a classifier trained on it by the shell, commands in process."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from octlib.cli.main import main
from octlib.phantoms import make_phantoms

Shell = Callable[..., Result]
TRAINING = ("--backbone", "test_resnet", "--weights", "none", "--image-size", "48", "--epochs", "2")


def run_octlib(*arguments: object) -> Result:
    """Run a command as a user would type it; warnings are shown, as they are in a process of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="session")
def shell() -> Shell:
    """Give a function that runs ``octlib`` in this process."""
    return run_octlib


@pytest.fixture(scope="session")
def mistake() -> Callable[..., str]:
    """Give a function that runs a command which must fail in one line and with exit status 1; it returns the line."""

    def run(*arguments: object) -> str:
        result = run_octlib(*arguments)
        assert result.exit_code == 1, result.output
        assert isinstance(result.exception, SystemExit), result.exception
        lines = result.stderr.strip().splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("Error: ")
        return lines[0]

    return run


@pytest.fixture(scope="session")
def training() -> tuple[str, ...]:
    """Give the options that make ``octlib train`` fast."""
    return TRAINING


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give class folders of 8 phantoms each, 80 x 96, each of another patient."""
    folder = tmp_path_factory.mktemp("scans")
    for phantom in make_phantoms(32, scans_per_patient=1, size=(80, 96)):
        (folder / phantom.label).mkdir(exist_ok=True)
        name = f"{phantom.label}-{int(phantom.patient.removeprefix('P')):04d}-1.png"
        Image.fromarray(phantom.image).save(folder / phantom.label / name)
    return folder


@pytest.fixture(scope="session")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give three scans of different sizes without labels or patients."""
    folder = tmp_path_factory.mktemp("flat")
    for number, (height, width) in enumerate([(80, 96), (120, 100), (64, 200)]):
        phantom = make_phantoms(1, scans_per_patient=1, size=(height, width), seed=number)[0]
        Image.fromarray(phantom.image).save(folder / f"new_{number}.png")
    return folder


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, scans: Path) -> Path:
    """Give the output of ``octlib train``."""
    output = tmp_path_factory.mktemp("trained") / "run"
    result = run_octlib("train", scans, "--output", output, *TRAINING)
    assert result.exit_code == 0, result.output
    return output


@pytest.fixture(scope="session")
def classifier(run: Path) -> Path:
    """Give the folder of the trained classifier."""
    return run / "classifier"


@pytest.fixture
def broken(tmp_path: Path, scans: Path) -> Path:
    """Give class folders in which every scan of one class is no image."""
    folder = tmp_path / "broken"
    for path in scans.rglob("*.png"):
        target = folder / path.relative_to(scans)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"no image" if path.parent.name == "DME" else path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def is_figure() -> Callable[[Path], bool]:
    """Give a function that says whether a file is a picture of sensible size with something on it."""

    def check(path: Path) -> bool:
        with Image.open(path) as image:
            grey = np.asarray(image.convert("L"))
        shares = np.bincount(grey.ravel(), minlength=256) / grey.size
        return min(grey.shape) >= 300 and max(grey.shape) <= 4000 and shares.max() < 0.99

    return check


@pytest.fixture
def oddly_named(tmp_path: Path, scans: Path) -> Path:
    """Give class folders with names that Linux allows: bytes that are no text, a line break, 250 bytes."""
    folder = tmp_path / "odd"
    stems = (b"x\xff", b"two\nlines", b"\xc3\xa9" * 123)
    for name in ("CNV", "DME", "DRUSEN", "NORMAL"):
        (folder / name).mkdir(parents=True)
        for file, stem in zip(sorted((scans / name).iterdir()), stems, strict=False):
            shutil.copyfile(file, os.fsencode(folder / name) + b"/" + stem + b".png")
    return folder
