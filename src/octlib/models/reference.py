"""Reference: what the features of the scans that a classifier was fitted on are like, kept beside its weights."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from octlib.errors import WeightsError

FAMILIARITY = "familiarity.safetensors"
FORMAT = "octlib-familiarity-1"
ARRAYS = ("mean", "axes", "variances")
SETTINGS = "reference"  # the key of the numbers, in the metadata of the arrays


@dataclass(frozen=True, eq=False)
class Reference:
    """A normal distribution of normalised features: wide along a few axes, equally narrow across all others.

    Attributes:
        mean: of each feature, float32 (features,).
        axes: of unit length, at right angles to each other, float32 (axes, features).
        variances: along the axes, above 0, float32 (axes,).
        noise: variance in every other direction, above 0.
        typical: logarithm of the squared distance of the median scan of an unseen patient.
        limit: the same of a scan that is just familiar; above ``typical``.
        key: digest of the classifier whose features these are.
        n_scans: how many scans were learned from.
        n_patients: how many patients; ``None`` if they were unknown.
    """

    mean: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    noise: float
    typical: float
    limit: float
    key: str
    n_scans: int
    n_patients: int | None

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Measure how far features are from what is usual.

        Args:
            features: float32 (n, features), normalised.

        Returns:
            Logarithm of the squared distance in standard deviations (Mahalanobis), float64 (n,).
        """
        deviations = features - self.mean
        along = deviations @ self.axes.T
        across = np.square(deviations, dtype=np.float64).sum(axis=1) - np.square(along, dtype=np.float64).sum(axis=1)
        squares = (np.square(along, dtype=np.float64) / self.variances).sum(axis=1) + across.clip(0) / self.noise
        return np.asarray(np.log(squares + np.finfo(np.float32).tiny))

    def to_bytes(self) -> bytes:
        """Write it as a safetensors file, the numbers as JSON in its metadata."""
        numbers = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ARRAYS}
        # One entry, since safetensors writes several in an order that differs from run to run.
        metadata = {SETTINGS: json.dumps({"format": FORMAT, **numbers})}
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in ARRAYS}
        return bytes(save(arrays, metadata))


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
            arrays = {name: stored.get_tensor(name) for name in ARRAYS}
        form = numbers.pop("format")
        reference = Reference(**arrays, **numbers)
        problem = f"it has the format {form!r}" if form != FORMAT else _problem_of(reference)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = repr(error)
    if problem:
        raise WeightsError(
            f"{file} is damaged, or written by a newer octlib: {problem}.",
            "Remove it, load the classifier without it, and call octlib.learn_familiarity anew.",
        )
    return reference


def _problem_of(reference: Any) -> str:
    """Say what no reference can be like; nothing if all is well."""
    arrays = {name: getattr(reference, name) for name in ARRAYS}
    n, features = len(reference.variances), len(reference.mean)
    shapes = {"mean": (features,), "axes": (n, features), "variances": (n,)}
    numbers = (reference.noise, reference.typical, reference.limit)
    for name, shape in shapes.items():
        if arrays[name].dtype != np.float32 or arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
            return f"{name} is not float32 {shape} of finite numbers"
    if not (all(isinstance(each, float) for each in numbers) and np.isfinite(numbers).all()):
        return "its numbers are not finite"
    if not (reference.noise > 0 and reference.variances.min() > 0):
        return "a variance is not above 0"
    return "" if reference.limit > reference.typical else "its limit is below what is typical"


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
