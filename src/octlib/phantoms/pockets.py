"""Pockets: cysts and exudates, painted and marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from octlib.phantoms.anatomy import LAYERS, Floats
from octlib.phantoms.lesion import Pocket
from octlib.phantoms.painting import Picture

CYST, EXUDATE = 0.06, 0.72  # grey values in 0-1
SHADOW = 0.72  # what is left of the light below an exudate


def paint_pockets(
    painted: Picture, surfaces: Floats, pockets: Iterable[Pocket], x: Floats
) -> dict[str, NDArray[np.bool_]]:
    """Paint cysts dark with a thin brighter wall, and exudates bright with a shadow, in place.

    Args:
        painted: float32 (height, width).
        surfaces: rows from the top, float (len(SURFACES), width).
        pockets: what to paint.
        x: millimetres right of the scan's middle, (width,).

    Returns:
        For each kind that is there, bool (height, width): the pixels whose middle lies in one.
    """
    masks: dict[str, NDArray[np.bool_]] = {}
    for pocket, rows, columns, distance in _ellipses(painted.shape[0], surfaces, pockets, x):
        inside = distance <= 1
        if not inside.any():
            continue
        part = painted[rows, columns]
        if pocket.kind == "IRF":
            part[inside] = CYST
            part[~inside & (distance < 1.4)] *= np.float32(1.12)
        else:
            part[inside] = EXUDATE
            _throw_shadow(painted[rows.stop :, columns], inside)
        if pocket.kind not in masks:
            masks[pocket.kind] = np.zeros(painted.shape, dtype=np.bool_)
        masks[pocket.kind][rows, columns] |= inside
    return masks


def _throw_shadow(below: Picture, inside: NDArray[np.bool_]) -> None:
    """Dim the columns below, most in the middle, where the light passes through most of it."""
    share = inside.sum(axis=0) / inside.sum(axis=0).max()
    below *= (1 - (1 - SHADOW) * share).astype(np.float32)


def _ellipses(
    height: int, surfaces: Floats, pockets: Iterable[Pocket], x: Floats
) -> Iterator[tuple[Pocket, slice, slice, Floats]]:
    """Give for each pocket its rows, its columns and, in them, the squared distance from its middle (1 on its rim)."""
    for pocket in pockets:
        across = (x - pocket.x) / pocket.half_width
        columns = slice(*np.searchsorted(across, (-1.25, 1.25)))
        if columns.start == columns.stop:
            continue
        column = min(int(np.searchsorted(across, 0)), x.size - 1)
        layer = LAYERS.index(pocket.layer)
        top, bottom = surfaces[layer], surfaces[layer + 1]
        half_height = max(pocket.share * (bottom[column] - top[column]) / 2, 1.0)
        # The middle follows the layer, so a cyst tilts with it.
        middle = (top + pocket.place * (bottom - top))[columns]
        first = int(np.clip(middle.min() - 1.25 * half_height, 0, height))
        last = int(np.clip(middle.max() + 1.25 * half_height + 1, first, height))
        down = (np.arange(first, last)[:, None] + 0.5 - middle) / half_height
        yield pocket, slice(first, last), columns, across[columns] ** 2 + down**2
