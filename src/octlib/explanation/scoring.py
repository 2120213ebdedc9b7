"""Scoring: whether maps lie on lesions, where these are known or somebody has clicked on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from octlib.explanation.measures import CHANCE, MapMeasures, describe_maps
from octlib.explanation.points import read_points
from octlib.explanation.result import Explanation
from octlib.preprocessing.resizing import lay_back

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 0.05
THRESHOLD = 0.5  # of a map's maximum: what is above counts as marked
EQUAL = 1e-6  # of the maximum: rounding errors of the resizing


@dataclass(frozen=True, eq=False, repr=False)
class ExplanationScores(MapMeasures):
    """What ``score_explanations`` returns: ``pointing``, ``energy`` and ``iou``, beside chance.

    ``values``, ``chances`` and ``intervals`` have them by name, ``to_frame()`` by class too, ``maps`` for each map.

    Attributes:
        tolerance: how far beside a lesion the highest point may lie, as a share of the scan's width.
    """

    tolerance: float = TOLERANCE

    @property
    def pointing(self) -> float:
        """The share of maps whose highest point lies in the lesion or beside it, in [0, 1]; NaN without maps."""
        return self.values["pointing"]

    @property
    def energy(self) -> float:
        """The share of a map's sum that lies in the lesion, in [0, 1]; NaN without maps or masks."""
        return self.values.get("energy", float("nan"))

    @property
    def iou(self) -> float:
        """How well a map's upper half and the lesion agree, in [0, 1]; NaN without maps or masks."""
        return self.values.get("iou", float("nan"))


def score_explanations(
    explanation: Explanation, *, points: str | Path | pd.DataFrame | None = None, tolerance: float = TOLERANCE
) -> ExplanationScores:
    """Measure whether maps lie on lesions, where these are known.

    - Pointing game (Zhang et al. 2018, "Top-down neural attention by excitation backprop", section 5.1): whether the
      highest point of a map lies in the lesion or within a tolerance beside it. Chance is a point drawn at random.
    - Energy (Wang et al. 2020, "Score-CAM", section 4.3): the share of the map's sum that lies in the lesion. Chance is
      an even map.
    - Intersection over union of the lesion and what the map marks: where it is at least half of its own maximum. Chance
      is as many pixels, drawn at random.

    Scans without a known lesion, healthy ones too, don't take part; a map without signal counts as 0.

    Args:
        explanation: the maps. To judge explanations of right decisions, explain those scans alone.
        points: clicks on lesions in the place of masks: a CSV file or a ``DataFrame`` with the columns name (of the
            scan), x and y, in pixels of the scan from its left upper corner on; several rows of a scan are several
            lesions, of which one is to be hit. A click has no area, so that only pointing is measured, on the scans
            that are named.
        tolerance: how far beside the lesion, or from the click, a point may lie, as a share of the scan's width, 0 or
            more.

    Returns:
        The scores of all maps and by the class explained.

    Raises:
        FileNotFoundError: if there is no such file of points.
        TableError: if it can't be read, or has rows that can't be taken; the text names all of them.
        TypeError: if ``points`` is neither path nor table.
        UnreadableScanError: if a scan can't be read, where its pixels are needed.
        ValueError: if the tolerance is negative.

    Example:
        >>> import numpy as np, octlib
        >>> scans = octlib.load_oct_dataset("phantoms").sample(2)
        >>> maps = np.stack([scan.lesion_mask() for scan in scans]).astype(np.float32)
        >>> explanation = octlib.Explanation(maps, ("CNV", "DME"), ("CNV", "DME"), scans, "gradcam", None)
        >>> scores = score_explanations(explanation)
        >>> scores.pointing, scores.energy, scores.iou
        (1.0, 1.0, 1.0)
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be a share of the width, 0 or more, got {tolerance}.")
    lesions = _masks(explanation) if points is None else _clicks(explanation, points)
    rows = [
        _score(_laid_over(explanation, position, mask.shape), mask, tolerance, clicked=points is not None)
        for position, mask in lesions.items()
    ]
    return _gather(explanation, list(lesions), rows, tolerance, clicked=points is not None)


def _gather(
    explanation: Explanation, positions: list[int], rows: list[dict[str, float]], tolerance: float, *, clicked: bool
) -> ExplanationScores:
    import pandas as pd

    what = "click" if clicked else "lesion"
    place = "from a click" if clicked else "beside the lesion, or in it"
    definitions = {"pointing": f"the highest point lies at most {100 * tolerance:.0f} % of the width {place}"}
    if not clicked:
        definitions["energy"] = "share of the map's sum in the lesion"
        definitions["iou"] = f"overlap of the lesion and what is at least {100 * THRESHOLD:.0f} % of the map's maximum"
    columns = [each for name in definitions for each in (name, name + CHANCE)]
    scores = pd.DataFrame(rows, columns=columns, dtype=float)
    maps = pd.DataFrame(describe_maps(explanation, positions)).join(scores)
    left_out = len(explanation.targets) - len(rows)
    others = f", {left_out} without a known {what} left out" if left_out else ""
    about = f"by {explanation.method} at the {explanation.place}{others}"
    return ExplanationScores(maps, definitions, about, tolerance)


def _masks(explanation: Explanation) -> dict[int, np.ndarray]:
    masks = ((position, scan.lesion_mask()) for position, scan in enumerate(explanation.scans))
    return {position: mask for position, mask in masks if mask is not None and mask.any()}


def _clicks(explanation: Explanation, points: str | Path | pd.DataFrame) -> dict[int, np.ndarray]:
    masks = {}
    for position, places in read_points(points, explanation.scans).items():
        masks[position] = np.zeros(explanation.scans[position].read().shape, dtype=bool)
        masks[position][tuple(places.T)] = True
    return masks


def _laid_over(explanation: Explanation, position: int, shape: tuple[int, ...]) -> np.ndarray:
    """Lay a map over its scan: float32 (scan height, scan width), 0 or more."""
    heatmap, preprocessing = explanation.heatmaps[position], explanation.preprocessing
    if preprocessing is not None and preprocessing.moves:
        laid = preprocessing.lay_back(heatmap, explanation.scans[position].read())
    else:  # for which the pixels aren't needed
        laid = lay_back(heatmap, shape)
    return np.maximum(laid, 0) * bool(np.ptp(heatmap) > 0)


def _score(heat: np.ndarray, mask: np.ndarray, tolerance: float, *, clicked: bool) -> dict[str, float]:
    """Score one map, 0 or more, which is 0 throughout where it has no signal."""
    reached = _widened(mask, tolerance * mask.shape[1])
    peak = heat.max()
    # Of several highest points one would be drawn.
    scores = {
        "pointing": float(reached[heat >= peak * (1 - EQUAL)].mean()) if peak > 0 else 0.0,
        "pointing_chance": float(reached.mean()),
    }
    if clicked:
        return scores
    marked = heat >= THRESHOLD * peak if peak > 0 else np.zeros_like(mask)
    area, share = float(mask.mean()), float(marked.mean())
    union = float((mask | marked).mean())
    return scores | {
        "energy": float(heat[mask].sum() / heat.sum()) if peak > 0 else 0.0,
        "energy_chance": area,
        "iou": float((mask & marked).mean()) / union,
        "iou_chance": area * share / (area + share - area * share),
    }


def _widened(mask: np.ndarray, pixels: float) -> np.ndarray:
    """Add what lies within some pixels of a mask: bool (height, width)."""
    from scipy import ndimage

    return np.asarray(ndimage.distance_transform_edt(~mask) <= pixels)
