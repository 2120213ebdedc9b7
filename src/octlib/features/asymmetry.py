"""Asymmetry: whether grey rises more steeply than it falls on the way down a scan, which no training can unlearn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from octlib.models.passes import FeaturePass
from octlib.preprocessing import Preprocessing, resize_scan

SIDE = 32  # pixels: speckle is averaged out
SCALES = 4  # each half as fine as the one before
N_ASYMMETRIES = 2 * SCALES
FLAT = 0.25  # grey values: differences far below this are none


def asymmetries(scans: np.ndarray) -> np.ndarray:
    """Compare steps up with steps down, and bright lines with dark ones, from above to below.

    A retina begins with a steep rise, its layers are bright lines, and the choroid fades. A negative changes the sign
    of all values, a picture that is upside down that of the steps. How bright and how high in its picture a retina is
    changes little.

    Args:
        scans: uint8 (n, height, width), preprocessed.

    Returns:
        float32 (n, 8) in -1 to 1: for each scale, from 32 x 32 pixels to 4 x 4, what the squares of positive first
        differences have more than those of negative ones, as a share of both; and the same of negative and positive
        second differences.

    Example:
        >>> scan = np.zeros((1, 64, 64), np.uint8)
        >>> scan[:, 20:40] = np.linspace(200, 10, 20)[:, None]  # bright at once, fading out
        >>> rising, lines = asymmetries(scan)[0, :2]
        >>> bool(rising > 0.5 and lines > 0.1)
        True
        >>> bool(np.allclose(asymmetries(255 - scan), -asymmetries(scan)))
        True
    """
    grey = np.stack([resize_scan(scan, SIDE) for scan in scans]).astype(np.float32)
    found = []
    for _ in range(SCALES):
        for differences in (np.diff(grey, axis=1), -np.diff(grey, n=2, axis=1)):
            up, down = (np.square(part.clip(0)).mean(axis=(1, 2)) for part in (differences, -differences))
            found.append((up - down) / (up + down + FLAT**2))
        half = grey.shape[1] // 2
        grey = grey.reshape(len(grey), half, 2, half, 2).mean(axis=(2, 4))
    return np.stack(found, axis=1)


class AsymmetryPass(FeaturePass):
    """The asymmetries of scans, as a pass through a backbone gives features: they are kept in the same store.

    Args:
        preprocessing: what happens to a scan before.
    """

    backbone: Any  # what a pass and the store ask of one; there are no weights

    def __init__(self, preprocessing: Preprocessing) -> None:
        self.preprocessing = preprocessing
        self.backbone = SimpleNamespace(
            spec=SimpleNamespace(architecture="asymmetry"),
            settings={"asymmetry": [SIDE, SCALES, FLAT]},
            image_size=preprocessing.image_size,
            n_features=N_ASYMMETRIES,
            device="cpu",
            unchanging=True,
            weights_digest="",
        )

    @property
    def passes(self) -> tuple[AsymmetryPass, ...]:
        """Itself alone: what ``classifier.passes`` is for ``extract_features``."""
        return (self,)

    def extract(self, scans: np.ndarray) -> np.ndarray:
        """Compute ``asymmetries``."""
        return asymmetries(scans)
