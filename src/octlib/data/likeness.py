"""Likeness: how far two scans show the same picture, told from thumbnails of them."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib.preprocessing import resize_scan

SIDE = 64  # pixels of a thumbnail: speckle is averaged out of it, and two slices of one volume still differ
LOCAL = 1.5  # pixels: sigma of what counts as the ground that details stand out from
AROUND = 3.0  # pixels: sigma of the surroundings whose contrast is set to one
NOISE = 1.0  # grey values: contrast below this stays low, so that flat areas show no details
REACH, STEP = 1.5, 0.25  # pixels of a thumbnail: how far each border of a cropped copy is looked for, and how finely
KEPT = 16  # cosines each way that a sketch keeps
TINY = 1e-3  # what is shorter than this has no details
CROP = 0.02  # share of height and width that the sketch of a cropped copy lacks

Floats = NDArray[np.float32]


def thumbnail(scan: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink a scan of any size and shape to a square of 64 x 64 pixels."""
    return resize_scan(scan, SIDE)


def details(thumbnails: NDArray[Any]) -> Floats:
    """Take from thumbnails what brightness, contrast and gamma hardly change: local differences in units of their own.

    Args:
        thumbnails: (n, side, side) in 0-255, of any type.

    Returns:
        float32 (n, side, side), each of mean 0 and length 1; of a constant scan all 0.
    """
    grey = thumbnails.astype(np.float32)
    differences: Floats = grey - _smoothed(grey, LOCAL)
    differences /= np.sqrt(_smoothed(differences**2, AROUND) + NOISE**2)
    differences -= differences.mean(axis=(1, 2), keepdims=True)
    return _of_length_one(differences.reshape(len(grey), -1)).reshape(grey.shape)


def sketches(thumbnails: NDArray[np.uint8], *, cropped: bool = False) -> Floats:
    """Describe thumbnails so that copies have products near 1, cropped ones too.

    Args:
        thumbnails: uint8 (n, 64, 64) in 0-255.
        cropped: describe what a copy would show that lacks 2 % of the height and of the width.

    Returns:
        float32 (n, 256) of length 1: the lowest cosines of the details at half the size; of a constant scan all 0.
    """
    grey = thumbnails.astype(np.float32)
    if cropped:
        edge = CROP / 2 * (SIDE - 1)
        warp = _warp(edge, -edge)
        grey = np.asarray(warp @ grey @ warp.T)
    halves = grey.reshape(-1, SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4))
    cosines = _cosines(SIDE // 2)
    return _of_length_one((cosines @ details(halves) @ cosines.T).reshape(len(grey), -1))


def mirrored(sketch: Floats) -> Floats:
    """Describe mirror images: the odd cosines along a row change their signs."""
    signs = np.tile((-1.0) ** np.arange(KEPT), KEPT).astype(np.float32)
    return sketch * signs


def likeness(one: Floats, other: Floats) -> float:
    """Correlate the details of two scans, one of which may be a slightly cropped copy of the other.

    Both directions in turn are stretched and shifted to where they fit best, each border by up to 2.4 % of the scan.

    Args:
        one: float32 (64, 64), as ``details`` gives them.
        other: likewise.

    Returns:
        The correlation, 1 for the same picture; around 0 for pictures that have nothing to do with each other.
    """
    best = float((one * other).sum())
    warps, flat, squares, products = _warps()
    for turn in range(4):
        rows, target = (one, other) if turn % 2 == 0 else (one.T, other.T)
        # Of a warp w, <w rows, target> = <w, target rows'>, and the length of w rows comes from rows rows' likewise.
        gram = rows @ rows.T
        lengths = squares @ np.diagonal(gram) + products @ np.diagonal(gram, 1)
        found = flat @ (target @ rows.T).ravel() / np.sqrt(np.maximum(lengths, 1e-12))
        place = int(found.argmax())
        if found[place] <= best and turn > 0:
            break
        warped = _of_length_one((warps[place] @ rows).reshape(1, -1)).reshape(rows.shape)
        one, best = (warped if turn % 2 == 0 else warped.T), max(best, float(found[place]))
    return best


def _smoothed(images: Floats, sigma: float) -> Floats:
    smoothing = _smoothing(images.shape[1], sigma)
    return np.asarray(smoothing @ images @ smoothing.T, dtype=np.float32)


def _of_length_one(rows: NDArray[Any]) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    ones: Floats = np.where(lengths > TINY, rows / np.maximum(lengths, TINY), 0).astype(np.float32)
    return ones


@cache
def _smoothing(side: int, sigma: float) -> Floats:
    places = np.arange(side)
    weights = np.exp(-0.5 * ((places[:, None] - places) / sigma) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


@cache
def _cosines(side: int) -> Floats:
    waves, places = np.arange(KEPT)[:, None], np.arange(side)
    return np.cos(np.pi * (2 * places + 1) * waves / (2 * side)).astype(np.float32)


def _warp(first: float, last: float) -> Floats:
    """Make the matrix that reads rows from ``first`` to ``side - 1 + last``, between two rows in proportion."""
    places = np.clip(np.linspace(first, SIDE - 1 + last, SIDE), 0, SIDE - 1)
    above = np.minimum(places.astype(int), SIDE - 2)
    warp = np.zeros((SIDE, SIDE), dtype=np.float32)
    warp[np.arange(SIDE), above] = 1 - (places - above)
    warp[np.arange(SIDE), above + 1] += places - above
    return warp


@cache
def _warps() -> tuple[Floats, Floats, Floats, Floats]:
    ends = np.arange(-REACH, REACH + STEP / 2, STEP)
    warps = np.stack([_warp(first, last) for first, last in product(ends, ends)])
    squares, products = (warps**2).sum(axis=1), 2 * (warps[:, :, :-1] * warps[:, :, 1:]).sum(axis=1)
    return warps, warps.reshape(len(warps), -1), squares, products
