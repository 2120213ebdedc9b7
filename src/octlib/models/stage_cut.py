"""Stage cut: a backbone in two, the stages that stay as they are and those that learn."""

from __future__ import annotations

import hashlib
import math
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from octlib.models.backbone import SingleBackbone
from octlib.models.graph.cutting import cut
from octlib.models.graph.network import Graph
from octlib.models.keras_backend import keras
from octlib.models.networks import MISFITS

ops = keras.ops


class FrozenStages(keras.layers.Layer):
    """The stages of a backbone that stay as they are: scans in, what the others need of them out.

    For a pass and for the store of features it is what a whole backbone is.

    Args:
        backbone: the whole.
        part: of its graph.
    """

    weights_digest: str | None = None
    unchanging = False  # its weights are few of many, and digested in no time

    def __init__(self, backbone: SingleBackbone, part: Graph) -> None:
        super().__init__()
        self.backbone, self._part = backbone, part
        self.spec, self.pooling, self.image_size = backbone.spec, backbone.pooling, backbone.image_size
        blank = np.zeros((1, *self.image_size), np.float32)
        # For one scan: a value may hold several rows of it, such as windows.
        self.shapes = [tuple(map(int, value.shape)) for value in self._values(ops.convert_to_tensor(blank))]
        self.n_features = sum(map(math.prod, self.shapes))
        self.built = True

    @property
    def device(self) -> str:
        """The kind of device that computes."""
        return self.backbone.device

    @property
    def settings(self) -> dict[str, Any]:
        """All but weights that what comes out depends on."""
        operations = hashlib.sha256(repr((self._part.nodes, self._part.outputs)).encode()).hexdigest()
        return self.backbone.settings | {"until": operations}

    def state(self) -> dict[str, np.ndarray]:
        """Return every weight and buffer that plays a part, by timm's name."""
        state = self.backbone.state()
        return {name: state[name] for name in sorted(set(self._part.weights.values()))}

    def call(self, scans: Any, training: bool = False) -> Any:
        """Compute what the other stages need.

        Args:
            scans: as the backbone takes them.
            training: makes no difference.

        Returns:
            float32 (batch, n_features): everything in one row for each scan.
        """
        values = self._values(scans)
        rows = [ops.reshape(value, (-1, math.prod(shape))) for value, shape in zip(values, self.shapes, strict=True)]
        return rows[0] if len(rows) == 1 else ops.concatenate(rows, axis=1)

    def _values(self, scans: Any) -> list[Any]:
        return self.backbone.carry_out(self._part, [self.backbone.normalised(scans)])


class StageCut:
    """A backbone whose first stages stay as they are, cut where the first weight that learns comes in.

    Args:
        backbone: the whole; its weights are used as they stand whenever something is computed.
        parts: of its graph, before the cut and after it.
    """

    def __init__(self, backbone: SingleBackbone, parts: tuple[Graph, Graph]) -> None:
        self.backbone = backbone
        self.frozen, self._rest = FrozenStages(backbone, parts[0]), parts[1]

    def features(self, rows: Any) -> Any:
        """Compute the backbone's features from what its frozen stages gave.

        Args:
            rows: float32 (batch, n), of ``frozen``.

        Returns:
            float32 (batch, features).
        """
        return self.backbone.carry_out(self._rest, [rows, *self._values(rows)])[0]

    def _values(self, rows: Any) -> list[Any]:
        values, start = [], 0
        for shape in self.frozen.shapes:
            end = start + math.prod(shape)
            values.append(ops.reshape(rows[:, start:end], (-1, *shape[1:])))
            start = end
        return values

    @cached_property
    def holds(self) -> bool:
        """Whether both parts, one after the other, give what the whole gives: not where scans of a batch mix."""
        scans = ops.convert_to_tensor(_different_scans(self.backbone.image_size))
        whole, parts = (
            ops.convert_to_numpy(each) for each in (self.backbone.call(scans), self.features(self.frozen(scans)))
        )
        near = 1e-4 * np.abs(whole).max()
        apart = all(np.abs(one - other).max() > 100 * near for one, other in pairwise(whole))
        return apart and bool(np.allclose(whole, parts, rtol=1e-3, atol=near))


def cut_stages(backbone: SingleBackbone) -> StageCut | None:
    """Cut a backbone before its first stage that learns.

    Args:
        backbone: some of whose stages are unfrozen.

    Returns:
        The cut; ``None`` if all of it learns, or it can't be cut: torch can't trace it, its BatchNorm learns from the
        scans of a batch, it drops values while it learns, or the parts don't give what the whole gives.
    """
    if any("drop" in name and value for name, value in backbone.spec.model_args.items()):
        return None
    names = [name for name, variable in backbone.parameters.items() if variable.trainable]
    try:
        parts = cut(backbone.graph(), names)
        if parts is None or (not backbone.spec.fixed_batchnorm and _has_batchnorm(parts[1].weights.values())):
            return None
        found = StageCut(backbone, parts)
        return found if found.holds else None
    except MISFITS:  # of torch, which can't trace it, or carry out what it traced
        return None


def _has_batchnorm(names: Any) -> bool:
    return any(name.endswith("running_mean") for name in names)


def _different_scans(size: tuple[int, int]) -> np.ndarray:
    """Make three scans that no network takes for alike: float32 (3, height, width)."""
    noise = np.random.default_rng(0).integers(0, 256, size)
    ramp = np.linspace(0, 255, size[0])[:, None] + np.zeros(size)
    return np.stack([np.zeros(size), ramp, noise]).astype(np.float32)
