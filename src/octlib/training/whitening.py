"""Whitening: features brought to a scale on which a head trains fast and generalises from few scans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from octlib.features import StoredRows

SHRINKAGE = 0.8  # benchmarks/frozen_head.py says why, and of the next one too
QUIETEST = 1.0  # of the features' average standard deviation
LEAST_WITHIN = 0.1  # of all spread, that within classes: a few scans may be alike by chance, or of one patient
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

    Both have a floor. A feature that hardly varied over the training scans may vary a lot over others, the more so the
    fewer they were, and dividing by next to nothing would let it drown all the rest: so loud features are brought down
    to the same spread, and no feature is made louder than the average one.

    Whitening is linear, so it can be folded into a head: the classifier stays a backbone and one dense layer.

    Attributes:
        mean: of each feature, float64 (features,).
        std: by which each feature is divided, float64 (features,).
        directions: in which the standardised features vary within classes, orthonormal rows, float32
            (directions, features).
        gains: by what features are multiplied along these directions, (directions,).
        rest: by what they are multiplied along all others.
    """

    mean: np.ndarray
    std: np.ndarray
    directions: np.ndarray
    gains: np.ndarray
    rest: float

    @classmethod
    def of(
        cls, features: np.ndarray | StoredRows, labels: np.ndarray, *, lengths: Sequence[int] = (), seed: int = 0
    ) -> Whitening:
        """Measure features.

        Args:
            features: float (n, features), as an array or row by row.
            labels: their classes, int (n,).
            lengths: how many features come from each of several backbones: the average is that of each.
            seed: chooses the scans that are measured, where there are many.

        Returns:
            The whitening. It holds as much as ``MEASURED`` rows of features.
        """
        mean = sum(chunk.sum(axis=0, dtype=np.float64) for _, chunk in chunks(features)) / len(labels)
        variance = sum(np.square(chunk - mean).sum(axis=0) for _, chunk in chunks(features)) / len(labels)
        std = np.concatenate(
            [_floored(part) for part in np.split(np.sqrt(variance), np.cumsum(lengths, dtype=int)[:-1])]
        )
        chosen = np.random.default_rng(seed).permutation(len(labels))[:MEASURED]
        rows = np.empty((len(chosen), len(mean)), np.float32)
        for part, places in chunks(chosen, width=len(mean)):
            rows[part] = (features[places] - mean) / std
        _centre_classes(rows, labels[chosen])
        squares, combinations = principal_combinations(rows)
        variances = squares / len(rows)
        even = SHRINKAGE * (max(variances.sum() / len(mean), LEAST_WITHIN * (variance / std**2).mean()) or 1.0)
        _combine(rows, combinations)
        gains = 1 / np.sqrt((1 - SHRINKAGE) * variances + even)
        return cls(mean, std, rows[: len(squares)], gains, float(1 / np.sqrt(even)))

    def apply(self, features: np.ndarray | StoredRows) -> np.ndarray:
        """Whiten features, (n, features): float32."""
        whitened = np.empty(features.shape, np.float32)
        for part, chunk in chunks(features):
            whitened[part] = self._multiply((chunk - self.mean) / self.std, 1)
        return whitened

    def unfold(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn the weights of a layer on plain features into those on whitened ones.

        Args:
            kernel: (features, classes).
            bias: (classes,).

        Returns:
            Kernel and bias of the same shapes.
        """
        return self._multiply((kernel * self.std[:, None]).T, -1).T, bias + self.mean @ kernel

    def fold(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Undo ``unfold``."""
        plain = self._multiply(kernel.T, 1).T / self.std[:, None]
        return plain, bias - self.mean @ plain

    def gradient(self, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """Turn the gradient for a layer on plain features into that for the kernel of one on whitened features.

        Args:
            kernel: gradient for the kernel, (features, classes).
            bias: that for the bias, (classes,); it is the same for both layers.

        Returns:
            The gradient, (features, classes).
        """
        return self._multiply(((kernel - np.outer(self.mean, bias)) / self.std[:, None]).T, 1).T

    def _multiply(self, rows: np.ndarray, power: int) -> np.ndarray:
        """Multiply by the whitening matrix or its inverse; it is symmetric, and never formed."""
        rest = self.rest**power
        # In float32, as the directions are: a copy of them in float64 could be all the memory there is.
        along = (rows.astype(np.float32) @ self.directions.T) * (self.gains**power - rest).astype(np.float32)
        return np.asarray(rest * rows + along @ self.directions)


def chunks(rows: np.ndarray | StoredRows, width: int | None = None) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield rows a few at a time, each time with their place.

    Args:
        rows: (n, features), or (n,) of what stands for rows.
        width: features of a row; ``None`` takes them from the shape.
    """
    step = max(1, CHUNK // max(1, width or rows.shape[1]))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        yield part, rows[part]


def principal_combinations(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the directions in which rows vary about zero, as combinations of the rows.

    By way of the rows' products with one another: with many more features than rows, several times faster than a
    singular value decomposition.

    Args:
        rows: (n, features).

    Returns:
        The sum of squares along each direction, (directions,), and the combinations, (n, directions): their transpose
        times ``rows`` gives orthonormal rows.
    """
    products = np.zeros((len(rows), len(rows)))
    for columns in _columns(rows):
        block = rows[:, columns].astype(np.float64)
        products += block @ block.T
    squares, combinations = np.linalg.eigh(products)
    kept = squares > NEGLIGIBLE * squares.max()
    return squares[kept], combinations[:, kept] / np.sqrt(squares[kept])


def _columns(rows: np.ndarray) -> Iterator[slice]:
    step = max(1, CHUNK // len(rows))
    return (slice(start, start + step) for start in range(0, rows.shape[1], step))


def _floored(std: np.ndarray) -> np.ndarray:
    return np.maximum(std, QUIETEST * std.mean()) if std.any() else np.ones_like(std)


def _centre_classes(rows: np.ndarray, labels: np.ndarray) -> None:
    """Subtract the mean of its class from each row, in place."""
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        mean = sum(rows[member].astype(np.float64) for member in members) / len(members)
        for member in members:
            rows[member] -= mean


def _combine(rows: np.ndarray, combinations: np.ndarray) -> None:
    """Replace the first rows by combinations, (n, combinations), of all, in place."""
    for columns in _columns(rows):
        rows[: combinations.shape[1], columns] = combinations.T @ rows[:, columns]
