"""Asymmetry: whether grey rises more steeply than it falls on the way down a scan, which no training can unlearn."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace
from typing import Any

import numpy as np

from octlib.models.passes import FeaturePass
from octlib.preprocessing import Preprocessing

SIZE = 64  # pixels of the picture that is read; halved at once, so that speckle is averaged out
SCALES = 4  # of 32 pixels, 16, 8 and 4
N_ASYMMETRIES = 2 * SCALES
FLAT = 0.25  # grey values: differences far below this are none


def asymmetries(pictures: np.ndarray) -> np.ndarray:
    """Compare steps up with steps down, and bright lines with dark ones, from above to below.

    A retina begins with a steep rise, its layers are bright lines, and the choroid fades. In a negative all values have
    the other sign; in a picture that is upside down, those of the steps have. How bright a retina is, and where in the
    picture it lies, changes little.

    Args:
        pictures: uint8 (n, 64, 64).

    Returns:
        float32 (n, 8) in -1 to 1: for each scale, from 32 x 32 pixels to 4 x 4, what the squares of positive first
        differences have more than those of negative ones, as a share of both; and the same of negative and positive
        second differences.

    Example:
        >>> picture = np.zeros((1, 64, 64), np.uint8)
        >>> picture[:, 20:40] = np.linspace(200, 10, 20)[:, None]  # bright at once, fading out
        >>> steps, lines = asymmetries(picture)[0, :2]
        >>> bool(steps > 0.5 and lines > 0)
        True
        >>> bool(np.allclose(asymmetries(255 - picture), -asymmetries(picture)))
        True
    """
    grey, found = pictures.astype(np.float32), []
    for _ in range(SCALES):
        half = grey.shape[1] // 2
        grey = grey.reshape(len(grey), half, 2, half, 2).mean(axis=(2, 4))
        for differences in (np.diff(grey, axis=1), -np.diff(grey, n=2, axis=1)):
            up, down = (np.square(part.clip(0)).mean(axis=(1, 2)) for part in (differences, -differences))
            found.append((up - down) / (up + down + FLAT**2))
    return np.stack(found, axis=1)


class AsymmetryPass(FeaturePass):
    """The asymmetries of scans, as a pass through a backbone gives features: ``extract_features`` takes it for one.

    Scans are prepared alike for every classifier, so that one store serves all; a small picture is read fast.
    """

    def __init__(self) -> None:
        self.preprocessing = Preprocessing((SIZE, SIZE))
        # What a pass and the store ask of a backbone; there are no weights.
        self.backbone: Any = SimpleNamespace(
            spec=SimpleNamespace(architecture="asymmetry"),
            settings={"asymmetry": [SIZE, SCALES, FLAT]},
            image_size=self.preprocessing.image_size,
            n_features=N_ASYMMETRIES,
            device="cpu",
            unchanging=True,
            weights_digest="",
        )

    @property
    def digest(self) -> str:
        """64 hexadecimal digits, others for other numbers or another preparation."""
        settings = [self.backbone.settings, self.preprocessing.to_dict()]
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    @property
    def passes(self) -> tuple[AsymmetryPass, ...]:
        """Itself alone."""
        return (self,)

    def extract(self, scans: np.ndarray) -> np.ndarray:
        """Compute ``asymmetries``."""
        return asymmetries(scans)
