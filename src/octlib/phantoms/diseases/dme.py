"""DME: a retina that swells, cysts in its nuclear layers, hard exudates, and sometimes fluid below."""

from __future__ import annotations

import numpy as np

from octlib.phantoms.anatomy import Anatomy, Floats, View
from octlib.phantoms.diseases.cysts import row_of_cysts
from octlib.phantoms.lesion import Lesion, Pocket, dome


def dme(rng: np.random.Generator, anatomy: Anatomy, view: View, x: Floats) -> Lesion:
    """Swell the retina, at the fovea or beside it, and fill it with cysts.

    Args:
        rng: where the randomness comes from.
        anatomy: the patient, for the severity.
        view: the cut.
        x: millimetres right of the scan's middle, (width,).

    Returns:
        The swelling, the cysts, the exudates and the fluid.
    """
    grade = 0.35 + 0.65 * anatomy.severity
    centre = float(np.clip(view.fovea + rng.normal(0, 0.5), x[0] + 0.9, x[-1] - 0.9))
    half_width = rng.uniform(1, 2.3) * (0.7 + 0.3 * grade)
    swelling = grade * dome(x, centre, half_width)
    inner, outer = rng.uniform(35, 110), rng.uniform(50, 190)
    fluid = _fluid(rng, x, centre, half_width, grade)
    return Lesion(
        added={
            "INL": inner * swelling,
            "ONL": outer * swelling,
            "OPL": 15 * swelling,
            "GCL": 15 * swelling,
            "SRF": fluid,
        },
        levels={"ONL": 1 + 0.15 * swelling, "EZ": 1 - 0.3 * swelling, "NFL": 1 - 0.1 * swelling},
        pockets=_cysts(rng, centre, half_width, grade) + _exudates(rng, centre, half_width, anatomy.severity),
        transmission=1 - 0.25 * swelling,
        details={"swelling_um": float(grade * (inner + outer)), "fluid_um": float(fluid.max())},
    )


def _cysts(rng: np.random.Generator, centre: float, half_width: float, grade: float) -> tuple[Pocket, ...]:
    """Fill the outer nuclear layer with large cysts, the inner one with small ones, or one of them alone."""
    reach = (0.3 + 0.25 * grade) * half_width
    kinds = rng.choice(("both", "outer", "inner"), p=(0.55, 0.2, 0.25))
    cysts: tuple[Pocket, ...] = ()
    if kinds != "inner":
        cysts += row_of_cysts(rng, "ONL", centre, 0.8 * reach, widths=(0.06, 0.12 + 0.2 * grade), heights=(0.55, 0.97))
    if kinds != "outer":
        cysts += row_of_cysts(
            rng, "INL", centre + rng.normal(0, 0.2), reach, widths=(0.04, 0.08 + 0.08 * grade), heights=(0.5, 0.95)
        )
    if rng.random() < 0.2 * grade:
        cysts += row_of_cysts(rng, "GCL", centre, 0.4 * reach, widths=(0.03, 0.07), heights=(0.4, 0.8))
    return cysts


def _exudates(rng: np.random.Generator, centre: float, half_width: float, severity: float) -> tuple[Pocket, ...]:
    return tuple(
        Pocket(
            kind="exudates",
            layer=str(rng.choice(("OPL", "INL", "ONL"))),
            place=float(rng.uniform(0.15, 0.85)),
            x=float(centre + rng.uniform(-0.7, 0.7) * half_width),
            half_width=float(rng.uniform(0.02, 0.07)),
            share=float(rng.uniform(0.2, 0.6)),
        )
        for _ in range(rng.poisson(4 * severity))
    )


def _fluid(rng: np.random.Generator, x: Floats, centre: float, half_width: float, grade: float) -> Floats:
    if rng.random() > 0.25 * grade:
        return np.zeros_like(x)
    return np.asarray(grade * rng.uniform(40, 140) * np.sqrt(dome(x, centre, rng.uniform(0.3, 0.6) * half_width)))
