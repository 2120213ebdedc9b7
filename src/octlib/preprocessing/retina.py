"""Retina: where its upper border and the RPE lie in a scan, as smooth paths from edge to edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

# A scan is searched as a grid of means, so that speckle counts less: in rows that suit a whole scan first; where the
# layers of one that was cropped close were taken for the retina, in fewer.
ROWS = (128, 48)
COLUMNS = 64
DARK = 0.15  # the share of cells that count as equally dark
COVERED = 0.25  # the share of cells above a retina that may be bright; more are the retina itself
BAND = 3  # rows of the grid, of 15 um each in a scan of 1.9 mm: about the RPE with the ellipsoid zone
APART = 6  # rows of the grid: two paths that are nearer to each other are one border
STEEP = 3  # rows of the grid that a path may rise or fall from one column to the next
BEND = 0.04  # what it costs a path to rise or fall by one row, as a share of the strongest edge
SECOND = 0.45  # of the first path's strength: what a second path must have to be a border of the retina too
TISSUE = 0.4  # of the way from the dark to the retina's mean: what is brighter is tissue
SMALLEST = 16  # cells each way: no retina is seen in fewer
CLEAR = 10.0  # grey values by which tissue must stand out
COHERENT = 2.5  # times the noise between neighbouring columns, by which tissue must stand out too


@dataclass(frozen=True, eq=False)
class Retina:
    """Where a retina lies, and how bright it is.

    Args:
        upper: its upper border in each column, the inner limiting membrane: float32 (width,), rows from the top.
        lower: the upper border of the ellipsoid zone and the RPE: float32 (width,).
        curve: a parabola along ``lower``, without its bulges: float64 (width,); it may leave the scan.
        top: the first row of bright tissue that hangs together with the retina; a high cyst may rise above ``upper``.
        vitreous: the mean grey value above the retina, of the darker half; 0 where there is nothing above.
        tissue: the mean grey value between the borders.
        covered: the share of what lies above that is as bright as tissue, in [0, 1].
    """

    upper: Floats
    lower: Floats
    curve: NDArray[np.float64]
    top: float
    vitreous: float
    tissue: float
    covered: float

    @property
    def thickness(self) -> float:
        """The median distance of ``lower`` from ``upper``, in rows."""
        return float(np.median(self.lower - self.upper))


def find_retina(scan: NDArray[np.uint8]) -> Retina | None:
    """Find the borders of the retina.

    Both are dark above and bright below, and no other border is as strong: the vitreous is darker than the nerve
    fibres, and the outer nuclear layer darker than the ellipsoid zone and the RPE. They are the smooth paths from the
    left to the right edge with the strongest contrast, found by dynamic programming (Chiu et al. 2010, "Automatic
    segmentation of seven retinal layers in SDOCT images congruent with expert manual segmentation", section 3: shortest
    paths in a graph weighted by vertical gradients; the second one is sought with the first one blocked). The scan is
    searched as a grid of means. Through the lower border a parabola is laid by iteratively reweighted least squares
    (bisquare weights; Beaton and Tukey 1974), so that drusen, detachments and shadows hardly bend it.

    Args:
        scan: uint8 (height, width) in 0-255, of any size; best with white wedges blanked.

    Returns:
        What was found; ``None`` where no two borders stand out: in blank scans, in noise, in scans of a few pixels.

    Example:
        >>> scan = np.full((496, 512), 20, dtype=np.uint8)
        >>> scan[200:215], scan[215:280], scan[280:300] = 120, 70, 180
        >>> retina = find_retina(scan)
        >>> round(float(retina.upper.mean())), round(float(retina.curve.mean())), round(retina.vitreous)
        (198, 279, 20)
    """
    if min(scan.shape) < SMALLEST:
        return None
    found: Retina | None = None
    for rows in ROWS:
        again = _searched(scan, rows)
        if again is not None and (found is None or again.covered < found.covered):
            found = again
        if found is not None and found.covered <= COVERED:
            break
    return found


def _searched(scan: NDArray[np.uint8], rows: int) -> Retina | None:
    means = _means(scan, rows)
    grid = _without_dark(means)
    edges = _edges(grid)
    first = _path(edges)
    if not _stands_out(grid, first):
        return None
    second = _path(_blocked(edges, first))
    if _strength(edges, second) < SECOND * _strength(edges, first):
        return None
    # Where both come close to each other, at the fovea, paths may change places.
    return _described(scan.shape, means, grid, np.minimum(first, second), np.maximum(first, second))


def _described(
    shape: tuple[int, ...], means: Floats, grid: Floats, upper: NDArray[np.intp], lower: NDArray[np.intp]
) -> Retina:
    rows, columns = shape[0] / len(grid), np.arange(shape[1])
    middles = (np.arange(grid.shape[1]) + 0.5) * shape[1] / grid.shape[1] - 0.5
    places = np.arange(len(grid))[:, None]
    inside = (places >= upper) & (places < lower)
    above = np.sort(means[(places < upper - 1) & (means >= 1)])
    tissue, dark = float(grid[inside].mean()), float(grid.min())
    return Retina(
        upper=np.interp(columns, middles, upper * rows).astype(np.float32),
        lower=np.interp(columns, middles, lower * rows).astype(np.float32),
        curve=_parabola(middles, lower * rows, columns, spread=rows),
        top=rows * min(int(upper.min()), _top(grid, inside, dark, tissue)),
        vitreous=float(above[: (len(above) + 1) // 2].mean()) if len(above) else 0.0,
        tissue=tissue,
        covered=float((above > dark + TISSUE * (tissue - dark)).mean()) if len(above) else 0.0,
    )


def _means(scan: NDArray[np.uint8], rows: int) -> Floats:
    """Average pixels: float32, at most (``rows``, ``COLUMNS``), with what is blank on top filled up."""
    size = min(scan.shape[1], COLUMNS), min(scan.shape[0], rows)
    means = np.array(Image.fromarray(scan).convert("F").resize(size, Image.Resampling.BOX))
    # Where a wedge was blanked there is no scan, but a strong edge. Cells on the edge are blank in part.
    seen = (means >= 1) & np.roll(means >= 1, 1, axis=0)
    start = seen.argmax(axis=0)
    blank = (np.arange(len(means))[:, None] < start) & (means[0] < 1)
    return np.where(blank, means[start, np.arange(means.shape[1])], means)


def _without_dark(means: Floats) -> Floats:
    seen = means[means >= 1]
    return np.maximum(means, np.quantile(seen, DARK)).astype(np.float32) if seen.size else means


def _top(grid: Floats, inside: NDArray[np.bool_], dark: float, bright: float) -> int:
    """Find the first row of what is bright and hangs together with most of the retina."""
    from scipy import ndimage

    bright_here = ndimage.uniform_filter(grid, 3, mode="nearest") > dark + TISSUE * (bright - dark)
    regions, count = ndimage.label(bright_here)
    if not count:
        return len(grid)
    sizes = np.bincount(regions[inside], minlength=count + 1)
    sizes[0] = 0
    return int((regions == sizes.argmax()).any(axis=1).argmax())


def _edges(grid: Floats) -> Floats:
    """Give how much brighter it is below each row than above: float32 like the grid, 0 where it is darker."""
    from scipy import ndimage

    smooth = ndimage.uniform_filter1d(grid, 3, axis=1, mode="nearest")
    sums = np.cumsum(np.pad(smooth, ((BAND + 1, BAND), (0, 0)), mode="edge"), axis=0)
    means = (sums[BAND:] - sums[:-BAND]) / BAND  # of BAND rows each; the first ones begin above the grid
    return np.asarray(np.maximum(means[BAND:] - means[:-BAND], 0)[: len(grid)])


def _path(edges: Floats) -> NDArray[np.intp]:
    """Find the path with the largest sum: a row in each column."""
    rows, columns = edges.shape
    price = BEND * float(edges.max())
    steps = np.arange(-STEEP, STEEP + 1)
    prices = (price * np.abs(steps)).astype(np.float32)[:, None]
    sums = edges[:, 0]
    came_from = np.empty((columns, rows), np.int8)
    reached = np.full(rows + 2 * STEEP, -np.inf, np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(reached, rows)  # one for each step
    for column in range(1, columns):
        reached[STEEP:-STEEP] = sums
        choices = windows - prices
        best = choices.argmax(axis=0)
        came_from[column] = best
        sums = choices[best, np.arange(rows)] + edges[:, column]
    path = np.empty(columns, np.intp)
    path[-1] = sums.argmax()
    for column in range(columns - 1, 0, -1):
        path[column - 1] = path[column] + steps[came_from[column, path[column]]]
    return path


def _blocked(edges: Floats, path: NDArray[np.intp]) -> Floats:
    near = np.abs(np.arange(len(edges))[:, None] - path) < APART
    return np.where(near, np.float32(-edges.max()), edges)


def _strength(edges: Floats, path: NDArray[np.intp]) -> float:
    return float(edges[path, np.arange(len(path))].mean())


def _stands_out(grid: Floats, path: NDArray[np.intp]) -> bool:
    below = np.clip(path + np.arange(BAND)[:, None], 0, len(grid) - 1)
    bright = grid[below, np.arange(len(path))].mean(axis=0)
    noise = float(np.median(np.abs(np.diff(bright))))
    contrast = float(np.mean(bright) - np.median(grid))
    return contrast > max(CLEAR, COHERENT * noise)


def _parabola(
    places: NDArray[np.float64], rows: NDArray[Any], columns: NDArray[np.intp], spread: float
) -> NDArray[np.float64]:
    middle, half = columns.mean(), max(len(columns) / 2, 1)
    design = np.vander((places - middle) / half, 3)
    weights = np.ones_like(rows)
    for _ in range(8):
        root = np.sqrt(weights)
        factors = np.linalg.lstsq(design * root[:, None], rows * root, rcond=None)[0]
        away = rows - design @ factors
        scale = max(1.4826 * float(np.median(np.abs(away))), spread)
        weights = np.maximum(1 - (away / (4.685 * scale)) ** 2, 0) ** 2
    return np.asarray(np.vander((columns - middle) / half, 3) @ factors)
