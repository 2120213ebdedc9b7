#!/usr/bin/env python3
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Tasks: everything that a change has to pass, each in an environment of its own.

``nox`` runs all of it but the lowest versions; ``nox -s tests -- tests/data`` a part; ``nox -s minimums`` those.
"""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "docs", "tests"]
nox.options.error_on_external_run = True

PROJECT = nox.project.load_toml("pyproject.toml")
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
    session.install("--editable", ".[onnx]", *_group("test"))
    notebooks = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with=notebooks/nbval_sanitize.cfg"]
    coverage = ["--cov=octlib", "--cov-config=pyproject.toml", f"--cov-fail-under={MINIMUM_COVERAGE}"]
    session.run("pytest", *notebooks, *(session.posargs or coverage))


@nox.session(python="3.11")
def minimums(session: nox.Session) -> None:
    """Run unit tests and doctests on the lowest versions that pyproject.toml names, and the oldest Python."""
    session.install("uv")  # pip can't choose the lowest
    python = f"--python={session.virtualenv.location}"
    session.run("uv", "pip", "install", python, "--resolution=lowest-direct", "--editable", ".[onnx]", *_group("test"))
    session.run("pytest", *(session.posargs or ["tests", "src"]))


if __name__ == "__main__":
    nox.main()
