"""Scan: a row knows its file and reads it, and never changes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from octlib.data import Scan
from octlib.data.origins import ArrayScan, FileScan


def test_row_passes_on_path_and_pixels(plant):
    path = plant("a.png") / "a.png"
    assert Scan(FileScan(path), "a.png").path == path
    scan = Scan(ArrayScan(np.full((1, 4, 5), 9, dtype=np.uint8), 0), "0", "CNV", "p")
    assert scan.path is None
    assert scan.read(at_least=(2, 2)).tolist() == [[9] * 5] * 4


def test_fingerprint_is_the_origins_whatever_the_row_says(plant):
    path = plant("a.png") / "a.png"
    first, second = Scan(FileScan(path), "a.png", "CNV", "p"), Scan(FileScan(path), "b.png", "DME")
    assert first.fingerprint() == second.fingerprint() == FileScan(path).fingerprint()


def test_row_is_frozen():
    scan = Scan(ArrayScan(np.zeros((1, 4, 5), dtype=np.uint8), 0), "0")
    with pytest.raises(dataclasses.FrozenInstanceError):
        scan.patient = "p"
