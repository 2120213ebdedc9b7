"""Pixels: many scans read at one size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from octlib.data.readable import require_readable
from octlib.data.scan import Scan
from octlib.data.threads import in_threads
from octlib.preprocessing import Preprocessing


def read_images(scans: Sequence[Scan], preprocessing: Preprocessing, *, show: bool | None = False) -> NDArray[np.uint8]:
    """Read and preprocess scans.

    Args:
        scans: which ones.
        preprocessing: what happens to each; its ``image_size`` is the size of the result.
        show: whether to draw a progress bar; ``None`` draws one where somebody can watch.

    Returns:
        uint8 (n, height, width) in 0-255, in the order of the scans. Besides it, only one scan a thread is in memory.

    Raises:
        FileNotFoundError: where files are gone, and every other scan can be read.
        ValueError: where some can't be read; the text names them all.
    """
    images = np.empty((len(scans), *preprocessing.image_size), dtype=np.uint8)

    def read(position: int) -> None:
        images[position] = preprocessing(scans[position].read(at_least=preprocessing.image_size))

    try:
        for _ in in_threads(read, range(len(scans)), title="Reading scans", show=show):
            pass
    except (OSError, ValueError):
        require_readable(scans)
        raise
    return images
