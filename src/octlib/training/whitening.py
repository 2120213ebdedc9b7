"""Whitening: features brought to a scale on which a head trains fast and generalises from few scans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from octlib.features import StoredRows

SHRINKAGE = 0.8  # benchmarks/frozen_head.py says why
MEASURED = 1000  # scans: more say little more of the spread, and cost much more
CHUNK = 2**22  # values at a time: features may be more than memory holds
NEGLIGIBLE = 1e-8  # of the largest variance: below it, rounding decides the direction, and shrinkage its gain


@dataclass(frozen=True)
class Whitening:
    """Standardises features, then evens out how they vary within a class.

    A step from weights of zero then leads towards the classes as linear discriminant analysis sees them, which a
    head on plain features reaches late or never. The spread within classes is shrunk towards the same in all
    directions, since there are more features than scans (Friedman 1989, "Regularized Discriminant Analysis",
    section 3).

    Whitening is linear, so it can be folded into a head: the classifier stays a backbone and one dense layer.

    Attributes:
        mean: of each feature, float64 (features,).
        std: of each feature, float64 (features,).
        directions: in which the standardised features vary within classes, orthonormal rows, (directions, features).
        gains: by what features are multiplied along these directions, (directions,).
        rest: by what they are multiplied along all others.
    """

    mean: np.ndarray
    std: np.ndarray
    directions: np.ndarray
    gains: np.ndarray
    rest: float

    @classmethod
    def of(cls, features: np.ndarray | StoredRows, labels: np.ndarray, *, seed: int = 0) -> Whitening:
        """Measure features.

        Args:
            features: float (n, features), as an array or row by row.
            labels: their classes, int (n,).
            seed: chooses the scans that are measured, where there are many.

        Returns:
            The whitening. A feature that never varies is left as it is.
        """
        mean = sum(chunk.sum(axis=0, dtype=np.float64) for chunk in _chunks(features)) / len(labels)
        variance = sum(np.square(chunk - mean).sum(axis=0) for chunk in _chunks(features)) / len(labels)
        std = np.where(variance > 0, np.sqrt(variance), 1.0)
        chosen = np.random.default_rng(seed).permutation(len(labels))[:MEASURED]
        within = _within_classes((features[chosen] - mean) / std, labels[chosen])
        variances, directions = _principal_directions(within)
        even = SHRINKAGE * variances.sum() / len(mean)
        if even == 0:  # one scan a class says nothing of the spread
            return cls(mean, std, directions, variances, 1.0)
        return cls(mean, std, directions, 1 / np.sqrt((1 - SHRINKAGE) * variances + even), float(1 / np.sqrt(even)))

    def apply(self, features: np.ndarray) -> np.ndarray:
        """Whiten features, (n, features): float32."""
        chunks = [self._multiply((chunk - self.mean) / self.std, 1).astype(np.float32) for chunk in _chunks(features)]
        return np.concatenate(chunks)

    def unfold(self, kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
        """Turn the weights of a layer on plain features into those on whitened ones.

        Args:
            kernel: (features, classes).
            bias: (classes,).

        Returns:
            Kernel and bias of the same shapes.
        """
        return [self._multiply((kernel * self.std[:, None]).T, -1).T, bias + self.mean @ kernel]

    def fold(self, kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
        """Undo ``unfold``."""
        plain = self._multiply(kernel.T, 1).T / self.std[:, None]
        return [plain, bias - self.mean @ plain]

    def _multiply(self, rows: np.ndarray, power: int) -> np.ndarray:
        """Multiply by the whitening matrix or its inverse; it is symmetric, and never formed."""
        rest = self.rest**power
        return np.asarray(rest * rows + ((rows @ self.directions.T) * (self.gains**power - rest)) @ self.directions)


def _chunks(features: np.ndarray | StoredRows) -> Iterator[np.ndarray]:
    rows = max(1, CHUNK // features.shape[1])
    return (features[start : start + rows] for start in range(0, len(features), rows))


def _within_classes(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    within = features.copy()
    for label in np.unique(labels):
        within[labels == label] -= within[labels == label].mean(axis=0)
    return within


def _principal_directions(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the variances and the orthonormal directions, (directions, features), in which rows about zero vary."""
    # By way of the rows' products with one another: with many more features than rows, several times faster than a
    # singular value decomposition.
    squares, combinations = np.linalg.eigh(rows @ rows.T)
    kept = squares > NEGLIGIBLE * squares.max()
    directions = (combinations[:, kept].T @ rows) / np.sqrt(squares[kept])[:, None]
    return squares[kept] / len(rows), directions
