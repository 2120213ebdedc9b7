"""Lesion: what a disease does to a scan, whichever disease it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from octlib.phantoms.anatomy import Floats

KINDS = ("drusen", "PED", "SHRM", "SRF", "IRF", "exudates")


@dataclass(frozen=True)
class Pocket:
    """An ellipse inside a layer: a cyst of dark fluid, or a bright exudate that throws a shadow.

    Args:
        kind: ``"IRF"`` (intraretinal fluid) or ``"exudates"``.
        layer: the layer that it lies in.
        place: where in the layer, from 0 at its top to 1 at its bottom.
        x: millimetres right of the scan's middle.
        half_width: millimetres.
        share: its height as a share of the layer's thickness at ``x``.
    """

    kind: str
    layer: str
    place: float
    x: float
    half_width: float
    share: float


@dataclass(frozen=True)
class Lesion:
    """What a disease adds to a scan.

    Args:
        added: micrometres to add to layers, (width,) each; negative where a layer gives way.
        levels: factors on the grey value of layers, (width,) each, where they differ from health.
        sub: the kind of what lies under the RPE, ``"drusen"`` or ``"PED"``.
        sub_level: its grey value in 0-1, (width,) or one number.
        pockets: cysts and exudates.
        transmission: factor on what lies below Bruch's membrane, (width,) or one number.
        details: numbers that describe it, for whoever reads the phantom's parameters.
    """

    added: Mapping[str, Floats] = field(default_factory=dict)
    levels: Mapping[str, Floats] = field(default_factory=dict)
    sub: str = "drusen"
    sub_level: Floats | float = 0.4
    pockets: tuple[Pocket, ...] = ()
    transmission: Floats | float = 1.0
    details: Mapping[str, float | str] = field(default_factory=dict)


def dome(x: Floats, centre: float, half_width: float) -> Floats:
    """Give a smooth bump of height 1 that is exactly 0 outside ``centre`` +- ``half_width``: (width,).

    Example:
        >>> dome(np.array([-1.0, 0.0, 0.5, 1.0]), 0.0, 1.0).tolist()
        [0.0, 1.0, 0.5625, 0.0]
    """
    distance = (x - centre) / half_width
    return np.maximum(1 - distance**2, 0) ** 2


def waves(rng: np.random.Generator, x: Floats, cells: int) -> Floats:
    """Draw a smooth random curve of ``cells`` cells across the scan, mostly within -2 and 2: (width,)."""
    position = np.linspace(0, cells, x.size)
    left = np.minimum(position.astype(np.int64), cells - 1)
    share = position - left
    eased = share * share * (3 - 2 * share)  # so that the curve has no kinks
    values = rng.standard_normal(cells + 1)
    curve: Floats = values[left] * (1 - eased) + values[left + 1] * eased
    return curve
