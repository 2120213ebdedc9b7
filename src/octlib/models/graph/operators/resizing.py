"""Resizing: of maps and of position embeddings, along each axis a product with torch's own weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch

from octlib.models.graph.operators.table import Operator, operator
from octlib.models.keras_backend import keras

ops = keras.ops


@operator("upsample_nearest2d.vec")
def nearest(values: Any, size: Any, scales: Any = None) -> Any:
    """Resize by repeating what is nearest."""
    return _resized(values, size, scales, "nearest", None)


def _resized(
    values: Any,
    size: Sequence[int] | None,
    scales: Sequence[float] | None,
    mode: str,
    corners: bool | None,
    antialias: bool = False,
) -> Any:
    for place, axis in enumerate((2, 3)):
        weights = _weights(
            values.shape[axis],
            None if size is None else size[place],
            None if scales is None else scales[place],
            mode,
            corners,
            antialias,
        )
        values = ops.moveaxis(ops.tensordot(values, weights, axes=[[axis], [0]]), -1, axis)
    return values


@cache
def _weights(
    length: int, size: int | None, scale: float | None, mode: str, corners: bool | None, antialias: bool
) -> np.ndarray:
    """Return (length, wanted): how much of each value goes where, as torch itself resizes one value at a time."""
    # A scale is no size by another name: torch measures where values lie by the one that it is given.
    target = {"scale_factor": (1.0, scale)} if size is None else {"size": (1, size)}
    single = torch.eye(length).reshape(length, 1, 1, length)  # in rows: columns alone it smooths wrongly
    resized = torch.nn.functional.interpolate(single, **target, mode=mode, align_corners=corners, antialias=antialias)
    return np.asarray(resized.reshape(length, -1).numpy())


def _operator_for(mode: str, *, antialias: bool) -> Operator:
    def resize(values: Any, size: Any, align_corners: bool, scales: Any = None) -> Any:
        return _resized(values, size, scales, mode, align_corners, antialias)

    return resize


# Linear or cubic along each axis; those with aa are smoothed where they shrink.
for mode in ("bilinear", "bicubic"):
    operator(f"upsample_{mode}2d.vec")(_operator_for(mode, antialias=False))
    operator(f"_upsample_{mode}2d_aa.vec")(_operator_for(mode, antialias=True))
