"""Pixels: many scans read and preprocessed, all at once or in batches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from octlib.data.readable import Scans, require_readable
from octlib.data.scan import Scan
from octlib.data.threads import AHEAD, THREADS, in_threads
from octlib.errors import UnreadableScanError
from octlib.preprocessing import Preprocessing


def read_images(scans: Scans, preprocessing: Preprocessing, *, show: bool | None = False) -> NDArray[np.uint8]:
    """Read and preprocess scans.

    Args:
        scans: which ones.
        preprocessing: what happens to each; its ``image_size`` is the size of the result.
        show: whether to draw a progress bar; ``None`` draws one where somebody can watch.

    Returns:
        uint8 (n, height, width) in 0-255, in the order of the scans. Besides it, a few scans a thread are in memory.

    Raises:
        MissingScanError: if files are gone, and every other scan can be read.
        UnreadableScanError: if some can't be read; the text names them all.
    """
    images = np.empty((len(scans), *preprocessing.image_size), dtype=np.uint8)
    for place, image in enumerate(_read(scans, preprocessing, show=show)):
        images[place] = image
    return images


def read_batches(scans: Scans, preprocessing: Preprocessing, size: int) -> Iterator[NDArray[np.uint8]]:
    """Read and preprocess scans in batches; the next one is read while the caller works on this one.

    Args:
        scans: which ones.
        preprocessing: what happens to each.
        size: scans in a batch, at least 1; the last one may be smaller.

    Yields:
        uint8 (batch, height, width) in 0-255, in the order of the scans.

    Raises:
        MissingScanError: as ``read_images``, at the batch that has the first of them.
        UnreadableScanError: likewise.
    """
    # Where batches are small, the threads still have something to do.
    images = _read(scans, preprocessing, ahead=size + THREADS)
    while batch := list(islice(images, size)):
        yield np.stack(batch)


def _read(
    scans: Scans, preprocessing: Preprocessing, *, ahead: int = AHEAD, show: bool | None = False
) -> Iterator[NDArray[np.uint8]]:
    def read(scan: Scan) -> NDArray[np.uint8]:
        return preprocessing(scan.read(at_least=preprocessing.at_least))

    try:
        yield from in_threads(read, scans, title="Reading scans", show=show, ahead=ahead)
    except UnreadableScanError:
        require_readable(scans)  # That was the first; the user wants to know of all.
        raise
