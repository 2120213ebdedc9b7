"""Forward passes: scans in batches through a classifier, read while the batch before is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from octlib._progress import progress as progress_bar
from octlib.data import OctDataset
from octlib.models import OctClassifier
from octlib.models.keras_backend import keras


def extract_features(
    classifier: OctClassifier, scans: OctDataset, *, batch_size: int = 32, progress: bool | None = None
) -> np.ndarray:
    """Pass each scan through the backbone once.

    Args:
        classifier: its preprocessing, backbone and pooling are used.
        scans: the dataset.
        batch_size: scans in memory at a time.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        float32 (n, features).

    Raises:
        ValueError: if there are no scans, one cannot be read, or ``batch_size`` is below 1.
    """
    return _forward(classifier.features, classifier, scans, batch_size, progress, "features")


def predict_probabilities(
    classifier: OctClassifier, scans: OctDataset, *, batch_size: int = 32, progress: bool | None = None
) -> np.ndarray:
    """Compute the classifier's probabilities.

    Args:
        classifier: the classifier.
        scans: the dataset.
        batch_size: scans in memory at a time.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        float32 (n, classes) in [0, 1]; rows sum to 1.

    Raises:
        ValueError: if there are no scans, one cannot be read, or ``batch_size`` is below 1.
    """
    return _forward(classifier, classifier, scans, batch_size, progress, "prediction")


def preprocessed_batches(classifier: OctClassifier, scans: OctDataset, batch_size: int) -> Iterator[np.ndarray]:
    """Yield preprocessed scans in order; the next batch is read while the caller works on this one.

    Args:
        classifier: its preprocessing is used.
        scans: the dataset.
        batch_size: scans in a batch; the last one may be smaller.

    Yields:
        uint8 (batch, height, width).
    """
    parts = [
        scans.subset(range(start, min(start + batch_size, len(scans)))) for start in range(0, len(scans), batch_size)
    ]
    with ThreadPoolExecutor(max_workers=1) as reader:
        upcoming = reader.submit(classifier.preprocess, parts[0]) if parts else None
        for following in [*parts[1:], None]:
            if upcoming is None:
                return
            batch = upcoming.result()
            upcoming = reader.submit(classifier.preprocess, following) if following is not None else None
            yield batch


def _forward(
    function: Callable[[Any], Any],
    classifier: OctClassifier,
    scans: OctDataset,
    batch_size: int,
    progress: bool | None,
    title: str,
) -> np.ndarray:
    if len(scans) == 0:
        raise ValueError("A forward pass needs at least one scan, got a dataset without any.")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
    batches: Iterable[np.ndarray] = preprocessed_batches(classifier, scans, batch_size)
    batches = progress_bar(batches, total=-(-len(scans) // batch_size), title=title, show=progress)
    with torch.inference_mode():
        results = [keras.ops.convert_to_numpy(function(batch)) for batch in batches]
    return np.concatenate(results)
