"""Shared fixtures: where real scans and weights lie, and a clean slate for every test."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine, and no verdict that depends on how busy the machine is.
settings.register_profile("octlib", deadline=None, derandomize=True, database=None)
settings.load_profile("octlib")


def pytest_configure() -> None:
    """Draw without a display, keep torch from waking many threads, and leave the user's cache alone."""
    # For tiny networks on a busy machine they take ten times as long as one.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Doctests, notebooks and fixtures of modules share a store; each test has its own, see below.
    os.environ["OCTLIB_CACHE"] = tempfile.mkdtemp(prefix="octlib-tests-")
    import matplotlib as mpl

    mpl.use("agg")  # not by MPLBACKEND, which the notebooks' kernels would inherit


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a store of features of its own, which does not exist yet."""
    folder = tmp_path_factory.mktemp("cache") / "octlib"
    monkeypatch.setenv("OCTLIB_CACHE", str(folder))
    return folder


def pytest_unconfigure() -> None:
    """Take the shared store away."""
    shutil.rmtree(os.environ["OCTLIB_CACHE"], ignore_errors=True)


@pytest.fixture(scope="session")
def kermany() -> Path:
    """Give the folder of real scans: CNV/, DME/, DRUSEN/ and NORMAL/ with files named CLASS-patient-number.jpeg."""
    return _folder_from("OCTLIB_KERMANY", "a folder of Kermany class folders (doi:10.17632/rscbjbr9sj)")


@pytest.fixture(scope="session")
def imagenet_weights() -> Path:
    """Give the timm folder of an ImageNet MobileNetV2: config.json beside its weights."""
    return _folder_from("OCTLIB_WEIGHTS", "a timm folder of mobilenetv2_100.in1k (config.json and its weights)")


def _folder_from(variable: str, what: str) -> Path:
    given = os.environ.get(variable)
    if not given:
        pytest.skip(f"needs {what}: set {variable} to its path")
    folder = Path(given)
    if not folder.is_dir():
        pytest.fail(f"{variable} must be {what}, but {given!r} is not a folder")
    return folder
