"""Anatomy: how thick a patient's retinal layers are, and how a scan cuts through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# From the vitreous down to Bruch's membrane. MZ and EZ are the myoid and the ellipsoid zone, OS the outer segments.
# SRF (fluid), SHRM (hyper-reflective material) and sub (whatever lifts the RPE from below) are absent in health.
LAYERS = (
    "ILM", "NFL", "GCL", "IPL", "INL", "OPL", "ONL", "ELM", "MZ", "EZ", "OS", "SRF", "SHRM", "RPE", "sub",
)  # fmt: skip
# The surfaces above each layer, then Bruch's membrane and the border between choroid and sclera.
SURFACES = (*(f"top of {name}" for name in LAYERS), "BM", "CSI")
# Thickness away from the fovea in micrometres: typical values of healthy eyes in spectral-domain OCT, as reported by
# Bagci et al. 2008 (Am J Ophthalmol 146:679) and Loduca et al. 2010 (Am J Ophthalmol 150:849), rounded.
TYPICAL = {
    "ILM": 6, "NFL": 28, "GCL": 42, "IPL": 38, "INL": 36, "OPL": 26, "ONL": 66, "ELM": 6, "MZ": 16, "EZ": 16,
    "OS": 22, "RPE": 30,
}  # fmt: skip
# What is left of them in the middle of the foveal pit.
IN_THE_PIT = {"NFL": 0.08, "GCL": 0.05, "IPL": 0.06, "INL": 0.15, "OPL": 0.45, "ONL": 1.5, "OS": 1.45}
THINNING = 0.0016  # share of the inner layers that a year takes after the age of 40


@dataclass(frozen=True)
class Anatomy:
    """What the scans of one patient share.

    Args:
        age: in years: inner layers and the choroid get thinner, and the vitreous detaches.
        thickness: micrometres of each healthy layer, in the order of ``TYPICAL``.
        pit_width: half the width of the foveal pit in millimetres.
        nasal: 1 where the optic nerve is to the right, else -1: towards it the NFL thickens.
        bowl: how much the eye's wall curves, in micrometres per square millimetre.
        choroid: its thickness in micrometres.
        brightness: factor on all grey values.
        severity: how far a disease has gone, in (0, 1].
    """

    age: float
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
        depth: where Bruch's membrane is on average, as a share of the scan's depth.
        tilt: slope in micrometres per millimetre.
    """

    fovea: float
    pit: float
    depth: float
    tilt: float


def draw_anatomy(rng: np.random.Generator) -> Anatomy:
    """Draw a patient."""
    age = rng.uniform(25, 90)
    overall = rng.normal(1, 0.05)
    inner = 1 - THINNING * max(age - 40, 0)
    thickness = {
        name: typical * overall * rng.normal(1, 0.07) * (inner if name in IN_THE_PIT else 1)
        for name, typical in TYPICAL.items()
    }
    return Anatomy(
        age=float(age),
        thickness=tuple(float(each) for each in thickness.values()),
        pit_width=float(rng.uniform(0.35, 0.75)),
        nasal=int(rng.choice((-1, 1))),
        bowl=float(rng.gamma(2, 7) - 4),
        choroid=float(np.clip(rng.normal(330 - 2 * (age - 25), 60), 90, 450)),
        brightness=float(rng.uniform(0.88, 1.12)),
        severity=float(rng.uniform(0.3, 1)),
    )


def draw_view(rng: np.random.Generator) -> View:
    """Draw the cut of one scan."""
    return View(
        fovea=float(np.clip(rng.normal(0, 0.5), -1.2, 1.2)),
        pit=float(rng.choice((1, rng.uniform(0, 1)), p=(0.6, 0.4))),
        depth=float(rng.uniform(0.32, 0.62)),
        tilt=float(rng.normal(0, 45)),
    )


def lateral(width: int, millimetres: float) -> Floats:
    """Give the middle of every column in millimetres right of the scan's middle: float64 (width,)."""
    return ((np.arange(width) + 0.5) / width - 0.5) * millimetres


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
    pit = view.pit * np.exp(-((np.abs(from_fovea) / anatomy.pit_width) ** 2.4))
    rim = view.pit * np.exp(-(((np.abs(from_fovea) - 2 * anatomy.pit_width) / 0.7) ** 2))
    layers = dict.fromkeys(LAYERS, np.zeros_like(x))
    for name, thickness in zip(TYPICAL, anatomy.thickness, strict=True):
        layers[name] = thickness * (1 + (IN_THE_PIT.get(name, 1) - 1) * pit)
    for name in ("GCL", "IPL", "INL"):
        layers[name] = layers[name] * (0.85 + 0.35 * rim)
    layers["NFL"] = layers["NFL"] * (1 + 0.3 * anatomy.nasal * from_fovea).clip(0.3, 2.2)
    return layers


def surfaces_of(
    anatomy: Anatomy, view: View, x: Floats, layers: Mapping[str, Floats], *, depth: float, wobble: Floats
) -> Floats:
    """Stack layers on Bruch's membrane.

    Args:
        anatomy: the patient, for the curvature of the eye's wall and the choroid.
        view: the cut, for depth and tilt.
        x: millimetres right of the scan's middle, (width,).
        layers: micrometres of each layer in ``LAYERS``, (width,) each.
        depth: of the scan, in micrometres: the retina is moved up or down until it lies within.
        wobble: micrometres by which the eye's wall departs from a parabola, (width,).

    Returns:
        Micrometres below the upper border, (len(SURFACES), width), in the order of ``SURFACES``.
    """
    bowl = anatomy.bowl * (x**2 - (x**2).mean())
    membrane = view.depth * depth + view.tilt * x - bowl + wobble
    retina = np.cumsum(np.array([layers[name] for name in LAYERS])[::-1], axis=0)[::-1]
    membrane = membrane + max(40 - float((membrane - retina[0]).min()), 0)
    membrane = membrane - max(float(membrane.max()) - (depth - 120), 0)
    choroid = anatomy.choroid * (1 + 0.1 * np.sin(x + view.fovea))
    return np.concatenate([membrane - retina, [membrane, membrane + choroid]])
