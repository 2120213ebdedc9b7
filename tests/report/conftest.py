"""Fixtures of reports: an evaluation and explanations that nobody had to train for."""

from __future__ import annotations

import numpy as np
import pytest

import octlib
from octlib.evaluation import score

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")


@pytest.fixture(scope="session")
def scans() -> octlib.OctDataset:
    """Give eight phantoms, two of each class."""
    return octlib.load_oct_dataset("phantoms").take(8)


@pytest.fixture(scope="session")
def evaluation(scans) -> octlib.Evaluation:
    """Give an evaluation with two errors, the first of them more confident."""
    probabilities = np.full((8, 4), 0.1)
    taken = scans.labels.copy()
    taken[[2, 5]] = (taken[[2, 5]] + 1) % 4
    probabilities[np.arange(8), taken] = 0.7
    probabilities[2] = 0.05
    probabilities[2, taken[2]] = 0.85
    return score(probabilities, scans.labels, scans.patients, NAMES)


@pytest.fixture(scope="session")
def explanation(scans) -> octlib.Explanation:
    """Give maps that are high in the lesions; those of healthy scans are constant."""
    maps = np.stack([scan.lesion_mask()[::8, ::8] for scan in scans]).astype(np.float32)
    return octlib.Explanation(maps, tuple(scan.label for scan in scans), scans, "gradcam", None)
