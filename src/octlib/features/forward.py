"""Forward passes: scans in batches through a network, read while the batch before is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from octlib._interrupts import heard_interrupts
from octlib._progress import progress as progress_bar
from octlib.data import OctDataset
from octlib.preprocessing import Preprocessing


def forward(
    function: Callable[[np.ndarray], np.ndarray],
    preprocessing: Preprocessing,
    scans: OctDataset,
    *,
    batch_size: int,
    progress: bool | None,
    title: str,
) -> Iterator[np.ndarray]:
    """Compute something of every scan.

    Args:
        function: what, of a batch of preprocessed scans.
        preprocessing: what happens to a scan before.
        scans: the dataset.
        batch_size: scans in memory at a time.
        progress: show a bar; ``None`` shows one where somebody can watch.
        title: of the bar.

    Yields:
        The results of one batch after the other.

    Raises:
        ValueError: if there are no scans, ``batch_size`` is below 1, or the network gives NaN or infinite values.
        UnreadableScanError: if some can't be read; the text names them all.
    """
    require_batches(scans, batch_size)
    batches = scans.batches(preprocessing, batch_size)
    shown = iter(progress_bar(batches, total=-(-len(scans) // batch_size), title=title, show=progress))
    while True:
        with heard_interrupts() as require_uninterrupted:  # Not while the caller has the results.
            batch = next(shown, None)
            if batch is None:
                return
            result = function(batch)
            require_uninterrupted()
        # Else the first class would be predicted of every scan, without a word.
        if not np.isfinite(result).all():
            raise ValueError(
                "The network gives values that are no finite numbers: its weights are damaged, or its training has "
                "diverged. Load or train it anew, with a lower learning_rate."
            )
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
