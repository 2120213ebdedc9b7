"""Volumes of a device at the shell: loaded, divided by patient, predicted and explained.

The files are synthetic cubes in the layout of Zeiss' .img, drawn as phantoms.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from damaged_files import DEVICES, KINDS

from octlib.phantoms import make_phantoms

pytest.importorskip("oct_converter", reason="needs octlib[volumes]")

SLICES = 3


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give class folders with volumes of 8 patients each, of 3 slices of 80 x 96 pixels."""
    folder = tmp_path_factory.mktemp("volumes")
    for number, phantom in enumerate(make_phantoms(32, scans_per_patient=1, size=(80, 96))):
        (folder / phantom.label).mkdir(exist_ok=True)
        cube = np.stack([phantom.image.T] * SLICES)  # A-scan by A-scan
        (folder / phantom.label / f"P{number}_Cube 96x{SLICES}_OD.img").write_bytes(cube.tobytes())
    return folder


@pytest.fixture(scope="module")
def trained(shell, training, volumes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("trained") / "run"
    result = shell("train", volumes, "--output", output, *training)
    assert result.exit_code == 0, result.output
    return output


def test_no_volume_is_in_two_parts(trained: Path) -> None:
    with (trained / "split.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 32 * SLICES
    parts = {patient: {row["part"] for row in rows if row["patient"] == patient} for patient in {"P0", "P9", "P31"}}
    assert {len(each) for each in parts.values()} == {1}


def test_predicted_and_explained(shell, trained: Path, volumes: Path, tmp_path: Path) -> None:
    result = shell("predict", trained / "classifier", volumes / "CNV", "-o", tmp_path / "p.csv")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "p.csv")
    assert len(table) == 8 * SLICES
    assert table["name"].str.contains(r"_OD\.img#[0-2]$").all()
    result = shell("explain", trained / "classifier", volumes / "CNV", "-o", tmp_path / "maps")
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "maps").rglob("*.png"))) >= SLICES


@pytest.mark.parametrize("kind", [*DEVICES, "DICOM", "TIFF, stack"])
def test_volumes_of_every_format_are_predicted_and_explained(shell, trained: Path, kind: str, tmp_path: Path) -> None:
    pytest.importorskip({"VOL": "eyepy", "DICOM": "pydicom"}.get(kind, "oct_converter"))
    (tmp_path / "scans").mkdir()
    built = KINDS[kind](tmp_path / "scans")
    result = shell("predict", trained / "classifier", built.source, "-o", tmp_path / "p.csv")
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(tmp_path / "p.csv")) == built.n
    result = shell("explain", trained / "classifier", built.source, "-o", tmp_path / "maps")
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "maps").rglob("*.png"))) == built.n
