"""Near pairs: scans that are copies of each other, found among many without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from octlib._progress import progress
from octlib.data.likeness import KEPT, details, likeness, mirrored, sketches
from octlib.data.threads import in_threads

ALIKE = 0.75  # likeness from which two scans count as copies: benchmarks/near_duplicates.py
HOPELESS = 0.55  # likeness below which the other of two scans isn't fitted to the one as well
WORTH = 0.8  # product of two sketches from which a second look is taken
CANDIDATES = 4  # others, the likest by their sketches, that a scan is compared with at a second look
TREES = 24  # divisions of all sketches into leaves; a copy must come into the leaf of its original once
LEAF = 256  # sketches at most in one leaf: each scan's own, its mirror image's and those of both cropped
BLOCK = 512  # scans at a time: what bounds the memory
UNIT = 127  # what 1 is in a sketch of whole numbers

Floats = NDArray[np.float32]
Sketched = NDArray[np.int8]
Table = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two scans that show the same picture.

    Args:
        earlier: the place of one.
        later: that of the other.
        likeness: how far they agree, up to 1.
        mirrored: whether one is the mirror image of the other.
    """

    earlier: int
    later: int
    likeness: float
    mirrored: bool


def near_pairs(thumbnails: NDArray[np.uint8], *, show: bool | None = False) -> list[NearPair]:
    """Find the pairs among scans that are copies of each other.

    Time grows as n log n, memory with n: the scans are divided at random, again and again, into small groups of similar
    ones, and compared within these.

    Args:
        thumbnails: uint8 (n, 64, 64), as ``octlib.data.likeness.thumbnail`` makes them.
        show: whether to draw a progress bar; ``None`` draws one where somebody can watch.

    Returns:
        The pairs by their places, each once.
    """
    candidates = _candidates(thumbnails, show)
    blocks = [candidates[start : start + BLOCK] for start in range(0, len(candidates), BLOCK)]
    seconds = in_threads(lambda block: _second_look(thumbnails, block), blocks, title="Comparing scans", show=show)
    best: dict[tuple[int, int], NearPair] = {}
    for pair in (pair for found in seconds for pair in found):
        key = pair.earlier, pair.later
        if key not in best or best[key].likeness < pair.likeness:
            best[key] = pair
    return [best[key] for key in sorted(best)]


def _second_look(thumbnails: NDArray[np.uint8], candidates: Table) -> list[NearPair]:
    places, rows = np.unique(candidates[:, :2], return_inverse=True)
    fine = details(thumbnails[places])
    pairs = []
    for (earlier, later, flipped), (one, other) in zip(candidates.tolist(), rows.reshape(-1, 2), strict=True):
        first, second = fine[one, :, ::-1] if flipped else fine[one], fine[other]
        found = likeness(first, second)
        if found >= HOPELESS:  # whichever of the two is cropped
            found = max(found, likeness(second, first))
        if found >= ALIKE:
            pairs.append(NearPair(earlier, later, min(found, 1.0), bool(flipped)))
    return pairs


def _candidates(thumbnails: NDArray[np.uint8], show: bool | None) -> Table:
    """Choose pairs for a second look: int64 (m, 3), the earlier place, the later one, and whether one is mirrored."""
    n = len(thumbnails)
    sketched = _sketched(thumbnails)
    scans = np.flatnonzero(sketched[0].any(axis=1))  # a constant scan is a copy of none
    if len(scans) < n:
        sketched = sketched[:, scans]
    best = np.zeros((0, 4))
    for leaves in progress(_divisions(sketched), total=TREES, title="Looking for copies", show=show):
        found = [_within(sketched, leaf) for leaf in leaves]
        best = _likest(np.concatenate([best, *found]))
    earlier, later = np.sort(scans[best[:, :2].astype(np.int64)], axis=1).T if len(best) else np.zeros((2, 0), int)
    keys = np.unique((earlier * n + later) * 2 + best[:, 2].astype(np.int64))
    return np.stack([keys // 2 // n, keys // 2 % n, keys % 2], axis=1)


def _sketched(thumbnails: NDArray[np.uint8]) -> Sketched:
    """Sketch every scan as it is, and as a cropped copy would look: int8 (2, n, 256), for a quarter of the memory."""
    sketched = np.empty((2, len(thumbnails), KEPT**2), dtype=np.int8)
    for start in range(0, len(thumbnails), BLOCK):
        for kind, cropped in enumerate((False, True)):
            rows = sketches(thumbnails[start : start + BLOCK], cropped=cropped)
            sketched[kind, start : start + BLOCK] = np.rint(rows * UNIT)
    return sketched


def _divisions(sketched: Sketched) -> Iterator[list[Table]]:
    """Divide all variants into leaves of similar ones, at the medians of random projections; again and again.

    Variants are numbered through: those of n scans as they are, of their mirror images, and of both cropped.
    """
    count = 4 * sketched.shape[1]
    if count <= LEAF:
        yield [np.arange(count)]
        return
    levels = int(np.ceil(np.log2(count / LEAF)))
    rng = np.random.default_rng(0)
    for _ in range(TREES):
        heights = _heights(sketched, rng.normal(size=(sketched.shape[2], levels)).astype(np.float32))
        leaf = np.zeros(count, dtype=np.int64)
        for level in range(levels):
            order = np.lexsort((heights[:, level], leaf))
            sizes = np.bincount(leaf)
            rank = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            leaf[order] = 2 * leaf[order] + (rank >= np.repeat(sizes, sizes) // 2)
        yield np.split(np.argsort(leaf, kind="stable"), np.cumsum(np.bincount(leaf))[:-1])


def _heights(sketched: Sketched, directions: Floats) -> Floats:
    """Project all variants: float32 (4 n, directions)."""
    both = np.concatenate([directions, mirrored(directions.T).T], axis=1)
    heights = np.empty((4, sketched.shape[1], directions.shape[1]), dtype=np.float32)
    for kind, rows in enumerate(sketched):
        for start in range(0, len(rows), BLOCK):
            found = rows[start : start + BLOCK].astype(np.float32) @ both
            heights[2 * kind : 2 * kind + 2, start : start + BLOCK] = found.reshape(len(found), 2, -1).swapaxes(0, 1)
    return heights.reshape(-1, directions.shape[1])


def _within(sketched: Sketched, leaf: Table) -> NDArray[np.float64]:
    """Find the likest others of each scan in one leaf: rows of scan, other, mirrored, product."""
    n = sketched.shape[1]
    kind, scan = np.divmod(leaf, n)
    rows = sketched[kind // 2, scan].astype(np.float32) / UNIT
    flipped = kind % 2 == 1
    rows[flipped] = mirrored(rows[flipped])
    own = np.flatnonzero(kind == 0)
    products = rows[own] @ rows.T
    products[scan[own][:, None] == scan] = -1
    worth = products.max(axis=1, initial=-1) >= WORTH
    own, products = own[worth], products[worth]
    few = min(2 * CANDIDATES, len(leaf))  # most come twice: as they are, and cropped
    likest = np.argpartition(products, -few, axis=1)[:, -few:]
    values = np.take_along_axis(products, likest, axis=1)
    row, column = np.nonzero(values >= WORTH)
    others = likest[row, column]
    return np.stack([scan[own][row], scan[others], flipped[others], values[row, column]], axis=1)


def _likest(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep, of each scan's others, every one once, and the likest few."""
    order = np.lexsort((-found[:, 3], found[:, 2], found[:, 1], found[:, 0]))
    found = found[order]
    new = np.ones(len(found), dtype=bool)
    new[1:] = (found[1:, :3] != found[:-1, :3]).any(axis=1)
    found = found[new]
    found = found[np.lexsort((-found[:, 3], found[:, 0]))]
    _, starts, sizes = np.unique(found[:, 0], return_index=True, return_counts=True)
    kept: NDArray[np.float64] = found[np.arange(len(found)) - np.repeat(starts, sizes) < CANDIDATES]
    return kept
