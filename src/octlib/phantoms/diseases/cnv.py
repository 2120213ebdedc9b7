"""CNV: new vessels under and above the RPE, the fluid that they leak, and what they lift."""

from __future__ import annotations

import numpy as np

from octlib.phantoms.anatomy import Anatomy, Floats, View
from octlib.phantoms.diseases.cysts import row_of_cysts
from octlib.phantoms.lesion import Lesion, Pocket, dome, waves

FIBROVASCULAR = 0.6  # share of detachments that are filled with tissue; the others hold fluid


def cnv(rng: np.random.Generator, anatomy: Anatomy, view: View, x: Floats) -> Lesion:
    """Detach the RPE, put hyper-reflective material above it and fluid beside it.

    Which of the three are there, and how large, differs between scans: there is always a detachment or material.

    Args:
        rng: where the randomness comes from.
        anatomy: the patient, for the severity.
        view: the cut.
        x: millimetres right of the scan's middle, (width,).

    Returns:
        The membrane and its fluid.
    """
    grade = 0.45 + 0.55 * anatomy.severity
    centre = float(np.clip(view.fovea + rng.normal(0, 0.6), x[0] + 0.8, x[-1] - 0.8))
    half_width = grade * rng.uniform(0.55, 1.5)
    side = rng.choice((-1, 1))
    detachment, filled = _detachment(rng, x, centre, half_width, grade)
    material = _material(rng, x, centre, half_width, grade, needed=not detachment.any())
    fluid = _fluid(rng, x, centre + side * rng.uniform(0.3, 1) * half_width, half_width, grade)
    lifted = detachment + material
    share = (lifted / 120).clip(0, 1)
    rough = waves(rng, x, 70).clip(-2, 2)
    return Lesion(
        added={
            "sub": detachment,
            "SHRM": material,
            "SRF": fluid,
            "ONL": -0.08 * lifted,
            "OS": -18 * share,
            "MZ": -8 * share,
            "INL": 18 * share * grade,
        },
        levels={
            "EZ": 1 - 0.65 * share,
            "ELM": 1 - 0.3 * share,
            "RPE": 1 - share * (0.12 + 0.12 * rough),
            "SHRM": 1 + 0.1 * rough,
            "ONL": 1 + 0.12 * share,
        },
        sub="PED",
        sub_level=(0.44 if filled else 0.17) * (1 + (0.14 if filled else 0.04) * waves(rng, x, 40).clip(-2, 2)),
        pockets=_cysts(rng, centre, half_width, anatomy.severity),
        transmission=1 - share * rng.uniform(0.1, 0.4),
        details={
            "detachment_um": float(detachment.max()),
            "filled": float(filled),
            "material_um": float(material.max()),
            "fluid_um": float(fluid.max()),
        },
    )


def _detachment(
    rng: np.random.Generator, x: Floats, centre: float, half_width: float, grade: float
) -> tuple[Floats, bool]:
    """Lift the RPE: in one dome, or in several that touch; give its height and whether tissue fills it."""
    if rng.random() < 0.15:
        return np.zeros_like(x), True
    filled = bool(rng.random() < FIBROVASCULAR)
    height = grade * (rng.uniform(70, 230) if filled else rng.uniform(120, 380))
    parts = [height * np.sqrt(dome(x, centre, half_width))]
    for _ in range(rng.integers(0, 4)):
        beside = centre + rng.uniform(-0.9, 0.9) * half_width
        parts.append(rng.uniform(0.5, 1.2) * height * np.sqrt(dome(x, beside, rng.uniform(0.25, 0.6) * half_width)))
    rough = (0.16 if filled else 0.03) * waves(rng, x, 30)
    return np.max(parts, axis=0) * (1 + rough).clip(0.5, 1.5), filled


def _material(
    rng: np.random.Generator, x: Floats, centre: float, half_width: float, grade: float, *, needed: bool
) -> Floats:
    if not needed and rng.random() < 0.35:
        return np.zeros_like(x)
    at, reach = centre + rng.uniform(-0.4, 0.4) * half_width, rng.uniform(0.4, 0.9) * half_width
    height = grade * rng.uniform(60 if needed else 35, 170)
    return np.asarray(height * dome(x, at, reach) * (1 + 0.15 * waves(rng, x, 40)).clip(0.5, 1.5))


def _fluid(rng: np.random.Generator, x: Floats, centre: float, half_width: float, grade: float) -> Floats:
    if rng.random() < 0.35:
        return np.zeros_like(x)
    return np.asarray(grade * rng.uniform(40, 190) * np.sqrt(dome(x, centre, rng.uniform(0.5, 1.1) * half_width + 0.2)))


def _cysts(rng: np.random.Generator, centre: float, half_width: float, severity: float) -> tuple[Pocket, ...]:
    if rng.random() > 0.5 * severity:
        return ()
    return row_of_cysts(rng, "INL", centre, 0.5 * half_width, widths=(0.04, 0.12), heights=(0.5, 0.9))
