"""Lesions: what each disease does to the layers, one function a disease."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from octlib.phantoms.anatomy import Anatomy, Floats, View
from octlib.phantoms.speckle import smooth_noise


@dataclass(frozen=True)
class Cyst:
    """A pocket of dark fluid inside a layer.

    Args:
        layer: the layer in whose middle it lies.
        x: millimetres right of the scan's middle.
        half_width: millimetres.
        share: its height as a share of the layer's thickness at ``x``.
    """

    layer: str
    x: float
    half_width: float
    share: float


@dataclass(frozen=True)
class Lesion:
    """What a disease adds to a scan.

    Args:
        added: micrometres to add to layers, (width,) each; negative where a layer gives way.
        cysts: pockets of fluid.
    """

    added: Mapping[str, Floats] = field(default_factory=dict)
    cysts: tuple[Cyst, ...] = ()


def dome(x: Floats, centre: float, half_width: float) -> Floats:
    """Give a smooth bump of height 1 that is exactly 0 outside ``centre`` +- ``half_width``: (width,).

    Example:
        >>> dome(np.array([-1.0, 0.0, 0.5, 1.0]), 0.0, 1.0).tolist()
        [0.0, 1.0, 0.5625, 0.0]
    """
    distance = (x - centre) / half_width
    return np.maximum(1 - distance**2, 0) ** 2


def no_lesion(rng: np.random.Generator, anatomy: Anatomy, view: View, x: Floats) -> Lesion:
    """Leave a healthy retina as it is."""
    del rng, anatomy, view, x
    return Lesion()


def drusen(rng: np.random.Generator, anatomy: Anatomy, view: View, x: Floats) -> Lesion:
    """Put several deposits of varied size under the RPE; the retina above gives way.

    Args:
        rng: where the randomness comes from.
        anatomy: the patient.
        view: the cut.
        x: millimetres right of the scan's middle, (width,).

    Returns:
        The deposits.
    """
    centres = view.fovea + rng.uniform(-2, 2, size=rng.integers(4, 11))
    heights = anatomy.severity * rng.uniform(25, 85, size=centres.size)
    heights[0] = anatomy.severity * rng.uniform(70, 110)  # at least one that nobody overlooks
    half_widths = rng.uniform(2.2, 4.2, size=centres.size) * heights / 1000  # millimetres, in proportion
    deposit = np.max(
        [
            height * np.sqrt(dome(x, centre, half_width))
            for centre, height, half_width in zip(centres, heights, half_widths, strict=True)
        ],
        axis=0,
    )
    return Lesion({"deposit": deposit, "ONL": -0.8 * deposit.clip(max=70), "GCL": -0.2 * deposit.clip(max=70)})


def cnv(rng: np.random.Generator, anatomy: Anatomy, view: View, x: Floats) -> Lesion:
    """Lift the retina by one irregular vascular mass, with tissue above the RPE and dark fluid at its side.

    Args:
        rng: where the randomness comes from.
        anatomy: the patient.
        view: the cut.
        x: millimetres right of the scan's middle, (width,).

    Returns:
        The mass (deposit and material) and the fluid.
    """
    centre = view.fovea + rng.uniform(-0.7, 0.7)
    half_width = anatomy.severity * rng.uniform(0.8, 1.4)
    rough = 1 + 0.22 * smooth_noise(rng, (1, x.size), (1, 14))[0]
    mass = anatomy.severity * rng.uniform(110, 230) * np.sqrt(dome(x, centre, half_width)) * rough.clip(0.5, 1.5)
    beside = rng.choice((-1, 1))
    material = rng.uniform(40, 90) * dome(x, centre - 0.35 * beside * half_width, 0.6 * half_width)
    fluid = rng.uniform(70, 150) * np.sqrt(dome(x, centre + 0.85 * beside * half_width, rng.uniform(0.5, 0.9)))
    return Lesion({"deposit": mass, "material": material, "fluid": fluid, "ONL": -0.12 * mass, "OS": -0.05 * mass})


def dme(rng: np.random.Generator, anatomy: Anatomy, view: View, x: Floats) -> Lesion:
    """Swell the retina around the fovea and fill it with cysts, in the inner and the outer nuclear layer.

    Args:
        rng: where the randomness comes from.
        anatomy: the patient.
        view: the cut.
        x: millimetres right of the scan's middle, (width,).

    Returns:
        The swelling and the cysts.
    """
    centre = view.fovea + rng.uniform(-0.4, 0.4)
    half_width = rng.uniform(1.4, 2.4)
    swelling = anatomy.severity * dome(x, centre, half_width)
    added = {"INL": rng.uniform(40, 90) * swelling, "ONL": rng.uniform(60, 150) * swelling, "GCL": 15 * swelling}
    return Lesion(added, _cysts(rng, centre, half_width))


def _cysts(rng: np.random.Generator, centre: float, half_width: float) -> tuple[Cyst, ...]:
    """Line cysts up in both nuclear layers, side by side as the septa between them demand."""
    cysts: list[Cyst] = []
    for layer, smallest, largest in (("ONL", 0.10, 0.34), ("INL", 0.06, 0.16)):
        x = centre - 0.45 * half_width * rng.uniform(0.6, 1)
        end = centre + 0.45 * half_width * rng.uniform(0.6, 1)
        while x < end:
            width = rng.uniform(smallest, largest)
            near = 1 - 0.5 * abs(x + width - centre) / half_width  # smaller towards the rim of the swelling
            if rng.random() < 0.8 or not cysts:
                cysts.append(Cyst(layer, float(x + width), float(width), float(near * rng.uniform(0.65, 0.95))))
            x += 2 * width + rng.uniform(0.02, 0.15)
    return tuple(cysts)


Draw = Callable[[np.random.Generator, Anatomy, View, Floats], Lesion]
DISEASES: dict[str, Draw] = {"CNV": cnv, "DME": dme, "DRUSEN": drusen, "NORMAL": no_lesion}
