"""Retina: the layers of a patient with a lesion, stacked, and where the lesion is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from octlib.phantoms.anatomy import LAYERS, Anatomy, Floats, View, healthy_layers, surfaces_of
from octlib.phantoms.lesion import Lesion, waves

WOBBLE = 4.0  # micrometres by which the eye's wall departs from a parabola
STIFFNESS = 0.25  # millimetres over which the inner retina evens out what lifts it
LEAST = 0.25  # share of a layer that stays where it gives way


def retina_surfaces(
    rng: np.random.Generator, anatomy: Anatomy, view: View, x: Floats, lesion: Lesion, depth: float
) -> Floats:
    """Give the surfaces of a retina with its lesion.

    Args:
        rng: where the randomness comes from.
        anatomy: the patient.
        view: the cut.
        x: millimetres right of the scan's middle, (width,).
        lesion: what it adds to layers.
        depth: of the scan, in micrometres.

    Returns:
        Micrometres below the upper border, (len(SURFACES), width).
    """
    layers = healthy_layers(anatomy, view, x)
    for name, added in lesion.added.items():
        layers[name] = np.maximum(layers[name] + added, LEAST * layers[name])
    _keep_stiff(layers, x)
    wobble = WOBBLE * waves(rng, x, 12)
    return surfaces_of(anatomy, view, x, layers, depth=depth, wobble=wobble)


def layer_masks(surfaces: Floats, height: int, lesion: Lesion) -> dict[str, NDArray[np.bool_]]:
    """Mark every pixel whose middle lies in a layer that is absent in health.

    Args:
        surfaces: rows from the top, float (len(SURFACES), width).
        height: rows.
        lesion: says what lies under the RPE.

    Returns:
        For each kind that is there, bool (height, width).
    """
    rows = np.arange(height)[:, None] + 0.5
    masks = {}
    for kind, layer in (("SRF", "SRF"), ("SHRM", "SHRM"), (lesion.sub, "sub")):
        top, bottom = surfaces[LAYERS.index(layer) + np.arange(2)]
        if (bottom > top).any():
            masks[kind] = (rows >= top) & (rows < bottom)
    return masks


def _keep_stiff(layers: dict[str, Floats], x: Floats) -> None:
    """Let the outer nuclear layer give way to narrow bumps, in place: the inner retina follows only their outline."""
    lifted = layers["SRF"] + layers["SHRM"] + layers["sub"]
    if lifted.any():
        kernel = np.exp(-(((x - x[x.size // 2]) / STIFFNESS) ** 2))
        outline = np.convolve(np.pad(lifted, x.size // 2, mode="edge"), kernel / kernel.sum(), mode="valid")[: x.size]
        layers["ONL"] = np.maximum(layers["ONL"] + outline - lifted, LEAST * layers["ONL"])
