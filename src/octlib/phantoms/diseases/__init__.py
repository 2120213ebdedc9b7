"""Diseases: what each of them does to a retina, one file a disease."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from octlib.phantoms.anatomy import Anatomy, Floats, View
from octlib.phantoms.diseases.cnv import cnv
from octlib.phantoms.diseases.dme import dme
from octlib.phantoms.diseases.drusen import drusen
from octlib.phantoms.lesion import Lesion


def healthy(rng: np.random.Generator, anatomy: Anatomy, view: View, x: Floats) -> Lesion:
    """Leave a healthy retina as it is."""
    del rng, anatomy, view, x
    return Lesion()


Draw = Callable[[np.random.Generator, Anatomy, View, Floats], Lesion]
DISEASES: dict[str, Draw] = {"CNV": cnv, "DME": dme, "DRUSEN": drusen, "NORMAL": healthy}

__all__ = ["DISEASES", "Draw"]
