"""Anatomy: how thick a patient's retinal layers are, and how a scan cuts through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DEPTH = 1900.0  # micrometres from the upper to the lower border of a scan
WIDTH = 6.0  # millimetres from the left to the right border

# From the vitreous down to Bruch's membrane. GCL stands for ganglion cells and inner plexiform layer; fluid, material
# and deposit are absent in health: fluid and tissue between retina and RPE, and whatever lifts the RPE from below.
LAYERS = ("NFL", "GCL", "INL", "OPL", "ONL", "EZ", "OS", "fluid", "material", "RPE", "deposit")
# Thickness away from the fovea in micrometres: typical values of healthy eyes in spectral-domain OCT.
TYPICAL = {"NFL": 34, "GCL": 78, "INL": 38, "OPL": 28, "ONL": 72, "EZ": 20, "OS": 24, "RPE": 26}
IN_THE_PIT = {"NFL": 0.1, "GCL": 0.12, "INL": 0.2, "OPL": 0.4, "ONL": 1.45}  # what is left of them in the foveal pit


@dataclass(frozen=True)
class Anatomy:
    """What the scans of one patient share.

    Args:
        thickness: micrometres of each healthy layer, in the order of ``TYPICAL``.
        pit_width: half the width of the foveal pit in millimetres.
        nasal: 1 where the optic nerve is to the right, else -1: towards it the NFL thickens.
        bowl: how much the eye's wall curves, in micrometres per square millimetre.
        choroid: micrometres in which the choroid's signal falls to a third.
        brightness: factor on all signal.
        severity: factor on the size of lesions.
    """

    thickness: tuple[float, ...]
    pit_width: float
    nasal: int
    bowl: float
    choroid: float
    brightness: float
    severity: float


@dataclass(frozen=True)
class View:
    """How one scan cuts through a retina.

    Args:
        fovea: where the fovea is, in millimetres right of the middle.
        pit: 1 for a cut through the middle of the foveal pit, 0 for one beside it.
        depth: micrometres from the upper border to Bruch's membrane, in the middle.
        tilt: slope in micrometres per millimetre.
    """

    fovea: float
    pit: float
    depth: float
    tilt: float


def draw_anatomy(rng: np.random.Generator) -> Anatomy:
    """Draw a patient."""
    overall = rng.normal(1, 0.06)
    return Anatomy(
        thickness=tuple(float(typical * overall * rng.normal(1, 0.07)) for typical in TYPICAL.values()),
        pit_width=float(rng.uniform(0.4, 0.7)),
        nasal=int(rng.choice((-1, 1))),
        bowl=float(rng.normal(12, 10)),
        choroid=float(rng.uniform(120, 300)),
        brightness=float(rng.uniform(0.75, 1.2)),
        severity=float(rng.uniform(0.8, 1.25)),
    )


def draw_view(rng: np.random.Generator) -> View:
    """Draw the cut of one scan."""
    return View(
        fovea=float(rng.uniform(-0.6, 0.6)),
        pit=float(rng.uniform(0.35, 1)),
        depth=float(rng.uniform(950, 1250)),
        tilt=float(rng.normal(0, 40)),
    )


def lateral(width: int) -> Floats:
    """Give the middle of every column in millimetres right of the scan's middle: float64 (width,)."""
    return ((np.arange(width) + 0.5) / width - 0.5) * WIDTH


def healthy_layers(anatomy: Anatomy, view: View, x: Floats) -> dict[str, Floats]:
    """Give the thickness of every layer of a healthy retina.

    Args:
        anatomy: the patient.
        view: the cut.
        x: millimetres right of the scan's middle, (width,).

    Returns:
        For each name in ``LAYERS`` micrometres (width,); 0 for what is absent in health.
    """
    from_fovea = x - view.fovea
    pit = view.pit * np.exp(-((from_fovea / anatomy.pit_width) ** 2))
    rim = view.pit * np.exp(-(((np.abs(from_fovea) - 2.2 * anatomy.pit_width) / 0.6) ** 2))
    layers = dict.fromkeys(LAYERS, np.zeros_like(x))
    for name, thickness in zip(TYPICAL, anatomy.thickness, strict=True):
        layers[name] = thickness * (1 + (IN_THE_PIT.get(name, 1) - 1) * pit)
    layers["GCL"] = layers["GCL"] * (0.85 + 0.3 * rim)
    layers["NFL"] = layers["NFL"] * (1 + 0.22 * anatomy.nasal * from_fovea).clip(0.35, 1.8)
    return layers


def boundaries(anatomy: Anatomy, view: View, x: Floats, layers: Mapping[str, Floats]) -> Floats:
    """Stack layers on Bruch's membrane.

    Args:
        anatomy: the patient, for the curvature of the eye's wall.
        view: the cut, for depth and tilt.
        x: millimetres right of the scan's middle, (width,).
        layers: micrometres of each layer in ``LAYERS``, (width,) each.

    Returns:
        Micrometres below the upper border, (len(LAYERS) + 1, width): the top of every layer, then Bruch's membrane.
    """
    membrane = view.depth + view.tilt * x - anatomy.bowl * (x**2 - WIDTH**2 / 12)
    from_top = np.array([layers[name] for name in LAYERS] + [np.zeros_like(x)])
    return membrane - np.cumsum(from_top[::-1], axis=0)[::-1]
