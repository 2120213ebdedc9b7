"""Pixels: many scans read at one size, by as many threads as there are cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from octlib._progress import progress as bar
from octlib.data.scan import Scan
from octlib.preprocessing import Preprocessing

# Scans handed to the threads at a time: enough to keep them busy, few enough to hold nothing but the result.
BATCH = 256


def read_images(scans: Sequence[Scan], preprocessing: Preprocessing, *, show: bool | None = False) -> NDArray[np.uint8]:
    """Read and preprocess scans.

    Args:
        scans: which ones.
        preprocessing: what happens to each; its ``image_size`` is the size of the result.
        show: whether to draw a progress bar; ``None`` draws one where somebody can watch.

    Returns:
        uint8 (n, height, width) in 0-255, in the order of the scans. Besides it, only one scan a thread is in memory.

    Raises:
        FileNotFoundError: where a file is gone.
        ValueError: where one can't be read; the text names the file.
    """
    images = np.empty((len(scans), *preprocessing.image_size), dtype=np.uint8)

    def read(position: int) -> None:
        images[position] = preprocessing(scans[position].read(at_least=preprocessing.image_size))

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        batches = (range(start, min(start + BATCH, len(scans))) for start in range(0, len(scans), BATCH))
        done = (result for batch in batches for result in pool.map(read, batch))
        for _ in bar(done, total=len(scans), title="Reading scans", show=show):
            pass
    return images
