"""Near pairs: scans that are copies of each other, found among many without comparing all with all."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib._progress import progress
from octlib.data.likeness import KEPT, details, likeness, mirrored, sketches
from octlib.data.threads import in_threads

ALIKE = 0.75  # likeness from which two scans count as copies: benchmarks/near_duplicates.py
HOPELESS = 0.55  # likeness below which the other of two scans isn't fitted to the one as well
WORTH = 0.8  # product of two sketches from which a second look is taken
CANDIDATES = 4  # others, the likest by their sketches, that a scan is compared with at a second look
ROUNDS = 8  # times at most that scans whose likest others are copies of them are compared with further ones
VERSIONS = 16  # copies of one picture at most that stand for all of them in a further round
TREES = 24  # divisions of all sketches into leaves; a copy must come into the leaf of its original once
LEAF = 256  # sketches at most in one leaf: each scan's own, its mirror image's and those of both cropped
BLOCK = 512  # scans at a time: what bounds the memory
UNIT = 127  # what 1 is in a sketch of whole numbers

Floats = NDArray[np.float32]
Sketched = NDArray[np.int8]
Table = NDArray[np.int64]
Found = NDArray[np.float64]


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
    ones, and compared within these, each with the few that are likest to it. Where copies of a scan are among these, it
    is compared once more, with what isn't known to show the same picture, until nothing new comes.

    Args:
        thumbnails: uint8 (n, 64, 64), as ``octlib.data.likeness.thumbnail`` makes them.
        show: whether to draw a progress bar; ``None`` draws one where somebody can watch.

    Returns:
        The pairs by their places, each once.
    """
    sketched = _sketched(thumbnails)
    among = looking = np.flatnonzero(sketched[0].any(axis=1))  # a constant scan is a copy of none
    picture, compared = np.arange(len(thumbnails)), np.zeros(0, dtype=np.int64)
    best: dict[tuple[int, int], NearPair] = {}
    for turn in range(ROUNDS):
        found = _likest_others(sketched, among, looking, picture, np.random.default_rng(turn), show)
        keys = np.setdiff1d(_keys(found, len(thumbnails)), compared)
        pairs = _second_looks(thumbnails, keys, show)
        for pair in pairs:
            key = pair.earlier, pair.later
            if key not in best or best[key].likeness < pair.likeness:
                best[key] = pair
        if not pairs:
            break
        compared = np.union1d(compared, keys)
        picture = _joined(len(thumbnails), best)
        among = _few_of_each(among, picture)
        looking = np.intersect1d(_crowded(found, picture), among)
        if not len(looking):
            break
    return [best[key] for key in sorted(best)]


def _second_looks(thumbnails: NDArray[np.uint8], keys: Table, show: bool | None) -> list[NearPair]:
    n = len(thumbnails)
    candidates = np.stack([keys // 2 // n, keys // 2 % n, keys % 2], axis=1)
    blocks = [candidates[start : start + BLOCK] for start in range(0, len(candidates), BLOCK)]
    seconds = in_threads(lambda block: _second_look(thumbnails, block), blocks, title="Comparing scans", show=show)
    return [pair for found in seconds for pair in found]


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


def _likest_others(
    sketched: Sketched,
    among: Table,
    looking: Table,
    picture: Table,
    rng: np.random.Generator,
    show: bool | None,
) -> Found:
    """Find others that are worth a second look: rows of scan, other, mirrored, product.

    Args:
        sketched: all scans.
        among: the places of those that are divided, sorted.
        looking: of those among them whose others are looked for, sorted.
        picture: of each scan the number of what it shows, as far as is known; no other shows the same.
        rng: draws the divisions.
        show: whether to draw a progress bar.
    """
    if len(among) < sketched.shape[1]:
        sketched, picture = sketched[:, among], picture[among]
    looks = np.isin(among, looking)
    best = np.zeros((0, 4))
    for leaves in progress(_divisions(sketched, rng), total=TREES, title="Looking for copies", show=show):
        found = [_within(sketched, leaf, looks, picture) for leaf in leaves]
        best = _likest(np.concatenate([best, *found]))
    best[:, :2] = among[best[:, :2].astype(np.int64)]
    return best


def _keys(found: Found, n: int) -> Table:
    """Number pairs, each with whether one is mirrored, whichever of the two has found the other."""
    earlier, later = np.sort(found[:, :2].astype(np.int64), axis=1).T
    return np.unique((earlier * n + later) * 2 + found[:, 2].astype(np.int64))


def _joined(n: int, pairs: Collection[tuple[int, int]]) -> Table:
    """Number what scans show: copies, and copies of copies, alike."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, other = np.array(list(pairs), dtype=np.int64).reshape(-1, 2).T
    links = coo_array((np.ones(len(one)), (one, other)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _crowded(found: Found, picture: Table) -> Table:
    """Choose scans with as many others as are compared, copies among them that may have taken the place of others."""
    scan, other = np.unique(found[:, :2].astype(np.int64), axis=0).T
    places, counts = np.unique(scan, return_counts=True)
    return np.intersect1d(places[counts >= CANDIDATES], scan[picture[scan] == picture[other]])


def _few_of_each(among: Table, picture: Table) -> Table:
    """Choose of each picture a few versions, evenly from the first to the last."""
    order = np.argsort(picture[among], kind="stable")
    _, starts, sizes = np.unique(picture[among][order], return_index=True, return_counts=True)
    rank, size = np.arange(len(among)) - np.repeat(starts, sizes), np.repeat(sizes, sizes)
    step = np.maximum(size, VERSIONS) / VERSIONS
    kept: Table = np.sort(among[order][np.floor(rank / step) != np.floor((rank - 1) / step)])
    return kept


def _sketched(thumbnails: NDArray[np.uint8]) -> Sketched:
    """Sketch every scan as it is, and as a cropped copy would look: int8 (2, n, 256), for a quarter of the memory."""
    sketched = np.empty((2, len(thumbnails), KEPT**2), dtype=np.int8)
    for start in range(0, len(thumbnails), BLOCK):
        for kind, cropped in enumerate((False, True)):
            rows = sketches(thumbnails[start : start + BLOCK], cropped=cropped)
            sketched[kind, start : start + BLOCK] = np.rint(rows * UNIT)
    return sketched


def _divisions(sketched: Sketched, rng: np.random.Generator) -> Iterator[list[Table]]:
    """Divide all variants into leaves of similar ones, at the medians of random projections; again and again.

    Variants are numbered through: those of n scans as they are, of their mirror images, and of both cropped.
    """
    count = 4 * sketched.shape[1]
    if count <= LEAF:
        yield [np.arange(count)]
        return
    levels = int(np.ceil(np.log2(count / LEAF)))
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


def _within(sketched: Sketched, leaf: Table, looks: NDArray[np.bool_], picture: Table) -> Found:
    """Find in one leaf the likest others of each scan that looks for some and shows something else than they do."""
    n = sketched.shape[1]
    kind, scan = np.divmod(leaf, n)
    own = np.flatnonzero((kind == 0) & looks[scan])
    if not len(own):
        return np.zeros((0, 4))
    rows = sketched[kind // 2, scan].astype(np.float32) / UNIT
    flipped = kind % 2 == 1
    rows[flipped] = mirrored(rows[flipped])
    products = rows[own] @ rows.T
    products[picture[scan[own]][:, None] == picture[scan]] = -1
    worth = products.max(axis=1, initial=-1) >= WORTH
    own, products = own[worth], products[worth]
    few = min(4 * CANDIDATES, len(leaf))  # each may come as it is, mirrored, cropped, and both
    likest = np.argpartition(products, -few, axis=1)[:, -few:]
    values = np.take_along_axis(products, likest, axis=1)
    row, column = np.nonzero(values >= WORTH)
    others = likest[row, column]
    return np.stack([scan[own][row], scan[others], flipped[others], values[row, column]], axis=1)


def _likest(found: Found) -> Found:
    """Keep, of each scan, the likest few others, as they are and mirrored, each once."""
    found = found[np.lexsort((-found[:, 3], found[:, 2], found[:, 1], found[:, 0]))]
    found = found[_changes(found[:, :3])]
    others = np.cumsum(_changes(found[:, :2])) - 1
    likest = np.full(others[-1] + 1 if len(others) else 0, -1.0)
    np.maximum.at(likest, others, found[:, 3])
    order = np.lexsort((others, -likest[others], found[:, 0]))
    found, others = found[order], others[order]
    rank = np.cumsum(_changes(others[:, None]))
    _, starts, sizes = np.unique(found[:, 0], return_index=True, return_counts=True)
    kept: Found = found[rank - np.repeat(rank[starts], sizes) < CANDIDATES]
    return kept


def _changes(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which rows differ from those before them."""
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return new
