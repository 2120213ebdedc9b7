"""Reference: what the scans that a classifier was fitted on are like, kept beside its weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from octlib.errors import WeightsError

FAMILIARITY = "familiarity.safetensors"
FORMAT = "octlib-familiarity-2"
PARTS = ("features", "asymmetries")  # each a distribution
ARRAYS = ("mean", "axes", "variances")
SETTINGS = "reference"  # the key of the numbers, in the metadata of the arrays


@dataclass(frozen=True, eq=False)
class Distribution:
    """A normal distribution of numbers that describe scans: wide along a few axes, equally narrow across all others.

    Attributes:
        mean: of each number, float32 (numbers,).
        axes: of unit length, at right angles to each other, float32 (axes, numbers).
        variances: along the axes, above 0, float32 (axes,).
        noise: variance in every other direction, above 0.
        typical: logarithm of the squared distance of the median scan of an unseen patient.
        limit: the same of a scan that is just familiar; above ``typical``.
    """

    mean: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    noise: float
    typical: float
    limit: float

    def distances(self, rows: np.ndarray) -> np.ndarray:
        """Measure how far scans are from what is usual.

        Args:
            rows: float32 (n, numbers), what is described of each.

        Returns:
            Logarithm of the squared distance in standard deviations (Mahalanobis), float64 (n,).
        """
        deviations = rows - self.mean
        along = deviations @ self.axes.T
        across = np.square(deviations, dtype=np.float64).sum(axis=1) - np.square(along, dtype=np.float64).sum(axis=1)
        squares = (np.square(along, dtype=np.float64) / self.variances).sum(axis=1) + across.clip(0) / self.noise
        return np.asarray(np.log(squares + np.finfo(np.float32).tiny))

    def familiarity(self, rows: np.ndarray) -> np.ndarray:
        """Measure how near scans are: float64 (n,), 1 at ``typical``, 0 at ``limit``; ``rows`` as for ``distances``."""
        return np.asarray((self.limit - self.distances(rows)) / (self.limit - self.typical))


@dataclass(frozen=True, eq=False)
class Reference:
    """What the scans are like that a classifier was fitted on.

    Attributes:
        features: of its backbone, normalised.
        asymmetries: of the scans themselves.
        key: digest of the classifier whose features these are.
        n_scans: how many scans were learned from.
        n_patients: how many patients; ``None`` if they were unknown.
    """

    features: Distribution
    asymmetries: Distribution
    key: str
    n_scans: int
    n_patients: int | None

    def to_bytes(self) -> bytes:
        """Write it as a safetensors file, the numbers as JSON in its metadata."""
        numbers: dict[str, Any] = {"key": self.key, "n_scans": self.n_scans, "n_patients": self.n_patients}
        arrays: dict[str, np.ndarray] = {}
        for part in PARTS:
            values = vars(getattr(self, part))
            arrays |= {f"{part}.{name}": np.ascontiguousarray(values[name]) for name in ARRAYS}
            numbers |= {part: {name: value for name, value in values.items() if name not in ARRAYS}}
        # One entry, since safetensors writes several in an order that differs from run to run.
        return bytes(save(arrays, {SETTINGS: json.dumps({"format": FORMAT, **numbers})}))


def read_reference(file: Path) -> Reference:
    """Read what ``Reference.to_bytes`` wrote; nothing is unpickled, and nothing of it is believed.

    Args:
        file: the file.

    Returns:
        The reference.

    Raises:
        WeightsError: if it is damaged, or of a newer octlib.
    """
    try:
        with safe_open(file, framework="numpy") as stored:
            numbers = json.loads((stored.metadata() or {})[SETTINGS])
            form = numbers.pop("format")
            if form == FORMAT:
                parts: dict[str, Any] = {part: _distribution(stored, part, numbers.pop(part)) for part in PARTS}
                reference = Reference(**parts, **numbers)
                problem = _problem_of(reference)
            else:
                problem = f"it has the format {form!r}"
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = repr(error)
    if problem:
        raise WeightsError(
            f"{file} is damaged, or written by a newer octlib: {problem}.",
            "Remove it, load the classifier without it, and call octlib.learn_familiarity anew.",
        )
    return reference


def _distribution(stored: Any, part: str, numbers: dict[str, Any]) -> Distribution:
    return Distribution(**{name: stored.get_tensor(f"{part}.{name}") for name in ARRAYS}, **numbers)


def _problem_of(reference: Reference) -> str:
    """Say what no reference can be like; nothing if all is well."""
    problems = ((part, _problem_of_distribution(getattr(reference, part))) for part in PARTS)
    return next((f"of its {part}, {problem}" for part, problem in problems if problem), "")


def _problem_of_distribution(found: Distribution) -> str:
    n, length = len(found.variances), len(found.mean)
    shapes = {"mean": (length,), "axes": (n, length), "variances": (n,)}
    for name, shape in shapes.items():
        array = getattr(found, name)
        if array.dtype != np.float32 or array.shape != shape or not np.isfinite(array).all():
            return f"{name} is not float32 {shape} of finite numbers"
    numbers: tuple[Any, ...] = (found.noise, found.typical, found.limit)
    if not (all(isinstance(each, float) for each in numbers) and np.isfinite(numbers).all()):
        return "numbers are not finite"
    if not (found.noise > 0 and found.variances.min() > 0):
        return "a variance is not above 0"
    return "" if found.limit > found.typical else "the limit is below what is typical"


class Referenced:
    """What a classifier has to do with its reference.

    Attributes:
        reference: what ``octlib.learn_familiarity`` has learned; ``None`` before.
    """

    reference: Reference | None = None

    def save_assets(self, folder: str) -> None:
        """Write what isn't weights into a ``.keras`` file, when Keras asks."""
        if self.reference is not None:
            (Path(folder) / FAMILIARITY).write_bytes(self.reference.to_bytes())

    def load_assets(self, folder: str | None) -> None:
        """Read what ``save_assets`` wrote."""
        if folder is not None and (Path(folder) / FAMILIARITY).is_file():
            self.reference = read_reference(Path(folder) / FAMILIARITY)
