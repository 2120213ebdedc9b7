"""Forward passes: scans in batches through a network, read while the batch before is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from octlib._progress import progress as progress_bar
from octlib.data import OctDataset, require_readable
from octlib.models import OctClassifier
from octlib.models.keras_backend import keras


def forward(
    function: Callable[[np.ndarray], Any],
    classifier: OctClassifier,
    scans: OctDataset,
    *,
    batch_size: int,
    progress: bool | None,
    title: str,
) -> Iterator[np.ndarray]:
    """Compute something of every scan.

    Args:
        function: what, of a batch of preprocessed scans.
        classifier: its preprocessing is used.
        scans: the dataset.
        batch_size: scans in memory at a time.
        progress: show a bar; ``None`` shows one where somebody can watch.
        title: of the bar.

    Yields:
        The results of one batch after the other.

    Raises:
        ValueError: if there are no scans, some can't be read (the text names them all), or ``batch_size`` is below 1.
    """
    require_batches(scans, batch_size)
    batches: Iterable[np.ndarray] = preprocessed_batches(classifier, scans, batch_size)
    for batch in progress_bar(batches, total=-(-len(scans) // batch_size), title=title, show=progress):
        with torch.inference_mode():
            result = keras.ops.convert_to_numpy(function(batch))
        yield result


def require_batches(scans: OctDataset, batch_size: int) -> None:
    """Refuse a pass without scans, or in batches of none.

    Args:
        scans: the dataset.
        batch_size: scans in memory at a time.

    Raises:
        ValueError: if there are no scans or ``batch_size`` is below 1.
    """
    if len(scans) == 0:
        raise ValueError("A forward pass needs at least one scan, got a dataset without any.")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}.")


def preprocessed_batches(classifier: OctClassifier, scans: OctDataset, batch_size: int) -> Iterator[np.ndarray]:
    """Yield preprocessed scans in order; the next batch is read while the caller works on this one.

    Args:
        classifier: its preprocessing is used.
        scans: the dataset.
        batch_size: scans in a batch; the last one may be smaller.

    Yields:
        uint8 (batch, height, width).

    Raises:
        ValueError: if some can't be read; the text names them all.
    """
    starts = range(0, len(scans), batch_size)
    parts = [scans.subset(range(start, min(start + batch_size, len(scans)))) for start in starts]
    with ThreadPoolExecutor(max_workers=1) as reader:
        upcoming = reader.submit(classifier.preprocess, parts[0]) if parts else None
        for following in [*parts[1:], None]:
            if upcoming is None:
                return
            try:
                batch = upcoming.result()
            except (ValueError, FileNotFoundError):
                require_readable(scans)  # One batch knows of its own scans only; the user wants to know of all.
                raise
            upcoming = reader.submit(classifier.preprocess, following) if following is not None else None
            yield batch
