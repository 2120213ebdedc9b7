"""Drusen: deposits of varied size between the RPE and Bruch's membrane."""

from __future__ import annotations

import numpy as np

from octlib.phantoms.anatomy import Anatomy, Floats, View
from octlib.phantoms.lesion import Lesion, dome, waves

HARD = (12, 40)  # micrometres of height: small, steep
SOFT = (35, 110)  # larger, and they flow together


def drusen(rng: np.random.Generator, anatomy: Anatomy, view: View, x: Floats) -> Lesion:
    """Put deposits under the RPE; the outer retina above gives way and its bands fade.

    Args:
        rng: where the randomness comes from.
        anatomy: the patient, for the severity: more and larger drusen.
        view: the cut.
        x: millimetres right of the scan's middle, (width,).

    Returns:
        The deposits.
    """
    number = int(rng.integers(3, 6 + round(14 * anatomy.severity)))
    soft = rng.random(number) < 0.35 + 0.5 * anatomy.severity
    soft[0] = True  # at least one that nobody overlooks
    heights = np.where(soft, rng.uniform(*SOFT, size=number), rng.uniform(*HARD, size=number))
    heights *= 0.55 + 0.55 * anatomy.severity
    centres = _centres(rng, view, x, number)
    half_widths = heights / 1000 * np.where(soft, rng.uniform(2, 4.5, size=number), rng.uniform(1.2, 2.2, size=number))
    each = [
        height * np.sqrt(dome(x, centre, half_width))
        for centre, height, half_width in zip(centres, heights, half_widths, strict=True)
    ]
    # Neighbours flow together: higher than either, lower than their sum.
    deposit = np.cbrt(np.sum(np.power(each, 3), axis=0)) * (1 + 0.1 * waves(rng, x, 60)).clip(0.6, 1.4)
    share = (deposit / 90).clip(0, 1)
    return Lesion(
        added={"sub": deposit, "MZ": -6 * share, "OS": -12 * share},
        levels={"EZ": 1 - 0.55 * share, "OS": 1 - 0.15 * share, "RPE": 1 - 0.08 * waves(rng, x, 50).clip(-2, 2)},
        sub="drusen",
        sub_level=float(rng.uniform(0.3, 0.5)),
        details={"drusen": number, "highest_um": float(deposit.max())},
    )


def _centres(rng: np.random.Generator, view: View, x: Floats, number: int) -> Floats:
    """Scatter drusen around the fovea, all of them within the scan."""
    spread = rng.uniform(0.4, 1.4)
    around = view.fovea + rng.normal(0, 0.4)
    return np.asarray(rng.normal(around, spread, size=number)).clip(x[0] + 0.3, x[-1] - 0.3)
