#!/usr/bin/env python3
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Tasks: everything that a change has to pass, each in an environment of its own.

``nox`` runs what every change needs, ``nox -s tests -- tests/data`` a part of it. ``nox -s coverage`` lists what no
test runs; ``backend-jax``, ``backend-tensorflow`` and ``minimums`` test other backends, and the lowest versions.
"""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"  # torch is 6 GB of disk, which uv shares and pip copies
nox.options.sessions = ["lint", "docs", "tests"]
nox.options.error_on_external_run = True

PROJECT = nox.project.load_toml("pyproject.toml")
NOTEBOOKS = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with=notebooks/nbval_sanitize.cfg"]
# A file's tests share fixtures, and a notebook's cells a kernel. More processes would take more memory than time.
SIDE_BY_SIDE = ["--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile"]
MINIMUM_COVERAGE = 85  # percent, where the tests that need real scans are skipped


def _group(name: str) -> list[str]:
    # Read here because only a recent pip knows --group.
    return nox.project.dependency_groups(PROJECT, name)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting and types; needs neither torch nor keras."""
    session.install(*_group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site, where a warning is an error. ``nox -s docs -- serve`` shows it while you write."""
    session.install(*_group("docs"))
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]))


@nox.session
def tests(session: nox.Session) -> None:
    """Run unit tests, doctests and notebooks, in one environment because torch takes 6 GB of disk."""
    _test(session)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the same and list the lines that no test runs; on Python 3.11 that takes two thirds longer."""
    least = 0 if session.posargs else MINIMUM_COVERAGE
    _test(session, "--cov=octlib", "--cov-config=pyproject.toml", f"--cov-fail-under={least}")


def _test(session: nox.Session, *options: str) -> None:
    session.install("--editable", ".[dicom,explain,lora,onnx,parquet,trust,vol,volumes]", *_group("test"))
    _install_headless(session)
    session.run("pytest", *NOTEBOOKS, *options, *(session.posargs or SIDE_BY_SIDE))


def _install_headless(session: nox.Session) -> None:
    # oct-converter brings an OpenCV that needs libGL, in the same folder as grad-cam's, which doesn't.
    session.install("--force-reinstall", "--no-deps", "opencv-python-headless")


@nox.session(name="backend-jax")
def backend_jax(session: nox.Session) -> None:
    """Run the tests that all backends of Keras have in common, and the notebook of the backends, on JAX."""
    _test_backend(session, "jax", "jax")


@nox.session(name="backend-tensorflow")
def backend_tensorflow(session: nox.Session) -> None:
    """Run the same on TensorFlow; JAX is there too, for classifiers that are saved on one and loaded on another."""
    _test_backend(session, "tensorflow", "tensorflow,jax")


def _test_backend(session: nox.Session, backend: str, extras: str) -> None:
    session.install("--editable", f".[lora,onnx,{extras}]", *_group("test"))
    default = ["tests/backends", "tests/models/graph", "notebooks/03_backends.ipynb", *NOTEBOOKS]
    settings = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    session.run("pytest", *(session.posargs or [*default, *SIDE_BY_SIDE]), env=settings)


@nox.session(python="3.11")
def minimums(session: nox.Session) -> None:
    """Run unit tests and doctests on the lowest versions that pyproject.toml names, and the oldest Python."""
    session.install("uv")  # pip can't choose the lowest
    python = f"--python={session.virtualenv.location}"
    # timm asks for torchvision, and its newest release for a newer torch.
    requirements = [
        "--editable",
        ".[dicom,explain,lora,onnx,parquet,trust,vol,volumes]",
        *_group("test"),
        "torchvision<0.26",
    ]
    session.run("uv", "pip", "install", python, "--resolution=lowest-direct", *requirements)
    _install_headless(session)
    # Old releases meet newer ones of what they need, which deprecate things that they still use.
    silent = [f"-Wignore::{kind}" for kind in ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning")]
    session.run("pytest", *silent, *(session.posargs or ["tests", "src", *SIDE_BY_SIDE]))


if __name__ == "__main__":
    nox.main()
