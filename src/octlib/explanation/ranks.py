"""Ranks: maps as orders of their pixels, and how alike two maps are."""

from __future__ import annotations

import numpy as np

PATCHES = 16  # on each side of a random order


def order_of(heatmap: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Order the pixels of a map, the highest first; equal ones at random, since a map is 0 in many places.

    Args:
        heatmap: float (height, width).
        rng: draws the order of equal pixels.

    Returns:
        float32 (height, width) in [0, 1): the share of the pixels that come before.

    Example:
        >>> order_of(np.array([[0.1, 0.9], [0.5, 0.2]]), np.random.default_rng(0))
        array([[0.75, 0.  ],
               [0.25, 0.5 ]], dtype=float32)
    """
    n = heatmap.size
    order = np.empty(n, np.float32)
    order[np.lexsort((rng.permutation(n), -heatmap.ravel()))] = np.arange(n) / n
    return order.reshape(heatmap.shape)


def random_order(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw an order of pixels, patch by patch, as coarse as maps are.

    Args:
        shape: (height, width).
        rng: draws it.

    Returns:
        As ``order_of``.
    """
    rows, columns = (np.arange(side) * min(PATCHES, side) // side for side in shape)
    return order_of(rng.random((rows[-1] + 1, columns[-1] + 1))[np.ix_(rows, columns)], rng)


def correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlate maps (Pearson).

    Args:
        first: float (n, height, width).
        second: likewise.

    Returns:
        float (n,) in [-1, 1]; 0 where one of the two is constant.

    Example:
        >>> maps = np.arange(4.0).reshape(1, 2, 2)
        >>> [round(float(correlations(maps, other)[0]), 3) for other in (maps, -maps, 0 * maps)]
        [1.0, -1.0, 0.0]
    """
    flat = [np.asarray(maps, dtype=float).reshape(len(maps), -1) for maps in (first, second)]
    one, other = (each - each.mean(axis=1, keepdims=True) for each in flat)
    sizes = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    found: np.ndarray = np.divide((one * other).sum(axis=1), sizes, out=np.zeros(len(sizes)), where=sizes > 0)
    return found


def rank_correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlate maps by their ranks (Spearman); arguments and result as of ``correlations``.

    Example:
        >>> maps = np.arange(4.0).reshape(1, 2, 2)
        >>> round(float(rank_correlations(maps, maps**2)[0]), 3)
        1.0
    """
    from scipy.stats import rankdata

    ranks = [rankdata(maps.reshape(len(maps), -1), axis=1).reshape(maps.shape) for maps in (first, second)]
    return correlations(*ranks)
