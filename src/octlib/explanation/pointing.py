"""Pointing: whether maps point at lesions, where these are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from octlib.explanation.result import Explanation

TOLERANCE = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class PointingGame:
    """What ``pointing_game`` returns.

    Attributes:
        positions: int (n,): which maps took part, those of scans with a known lesion.
        hits: bool (n,): whether the highest point of a map lies in the lesion or beside it.
        chances: float (n,) in [0, 1]: how often a point that is drawn at random would.
        tolerance: how far beside the lesion a point may lie, as a share of the scan's width.
    """

    positions: np.ndarray
    hits: np.ndarray
    chances: np.ndarray
    tolerance: float

    @property
    def rate(self) -> float:
        """The share of maps that point at the lesion, in [0, 1]; NaN where none took part."""
        return float(self.hits.mean()) if len(self.hits) else float("nan")

    @property
    def chance(self) -> float:
        """The share that random points would reach, in [0, 1]; NaN where none took part."""
        return float(self.chances.mean()) if len(self.chances) else float("nan")

    def __repr__(self) -> str:
        """Say it in one line."""
        if not len(self.hits):
            return "Pointing game: no scan has a known lesion"
        return (
            f"Pointing game: {self.hits.sum()} of {len(self.hits)} maps ({self.rate:.3f}) are highest in the lesion or "
            f"within {self.tolerance:.0%} of the width beside it; random points would be in {self.chance:.3f}"
        )


def pointing_game(explanation: Explanation, *, tolerance: float = TOLERANCE) -> PointingGame:
    """Check whether the highest point of each map lies in the lesion.

    The pointing game of Zhang et al. 2018 (Top-down neural attention by excitation backprop, IJCV 126, section 5.1),
    with a tolerance in proportion to the scan. Scans without a known lesion, healthy ones too, don't take part; a map
    without signal counts as a miss.

    Args:
        explanation: the maps. To judge explanations of right decisions, explain those scans alone.
        tolerance: how far beside the lesion a point may lie, as a share of the scan's width, 0 or more.

    Returns:
        Hits and chances.

    Raises:
        ValueError: if the tolerance is negative.

    Example:
        >>> import numpy as np, octlib
        >>> scans = octlib.load_oct_dataset("phantoms").sample(2)
        >>> maps = np.stack([scan.lesion_mask() for scan in scans]).astype(np.float32)
        >>> pointing_game(octlib.Explanation(maps, ("CNV", "DME"), ("CNV", "DME"), scans, "gradcam", None)).rate
        1.0
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be a share of the width, 0 or more, got {tolerance}.")
    positions, hits, chances = [], [], []
    preprocessing = explanation.preprocessing
    for position, scan in enumerate(explanation.scans):
        mask = scan.lesion_mask()
        if mask is None or not mask.any():
            continue
        reached = _widened(mask, tolerance * mask.shape[1])
        positions.append(position)
        heatmap = explanation.heatmaps[position]
        if preprocessing is not None and preprocessing.moves:
            heatmap = preprocessing.lay_back(heatmap, scan.read())
        hits.append(np.ptp(heatmap) > 0 and bool(reached[_highest_point(heatmap, mask.shape)]))
        chances.append(reached.mean())
    return PointingGame(np.array(positions, dtype=np.int64), np.array(hits, dtype=bool), np.array(chances), tolerance)


def _widened(mask: np.ndarray, pixels: float) -> np.ndarray:
    """Add what lies within some pixels of a mask: bool (height, width)."""
    from scipy import ndimage

    return np.asarray(ndimage.distance_transform_edt(~mask) <= pixels)


def _highest_point(heatmap: np.ndarray, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Give the pixel of a scan of this shape where a map is highest."""
    place = np.unravel_index(heatmap.argmax(), heatmap.shape)
    return tuple(int((index + 0.5) * to / of) for index, of, to in zip(place, heatmap.shape, shape, strict=True))
