"""Prediction: the probabilities of a classifier, from its backbone's features, stored or not."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from octlib.data import OctDataset
from octlib.features.extraction import compute_features, extract_features, is_cached
from octlib.features.forward import require_batches
from octlib.models import OctClassifier, Postprocessing
from octlib.models.keras_backend import keras

HEAD_BATCH = 1024  # rows of features at a time: a head takes next to nothing


def predict_probabilities(
    classifier: OctClassifier,
    scans: OctDataset,
    *,
    cache: bool | str = True,
    flips: bool | None = None,
    batch_size: int = 32,
    progress: bool | None = None,
) -> np.ndarray:
    """Compute the classifier's probabilities.

    Args:
        classifier: the classifier, frozen or fine-tuned.
        scans: the dataset.
        cache: of the backbone's features, as in ``extract_features``.
        flips: average over each scan and its mirror image; ``None`` is what ``classifier.postprocessing`` says.
        batch_size: scans in memory at a time.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        float32 (n, classes) in [0, 1]; rows sum to 1.

    Raises:
        UnreadableScanError: if some scans can't be read; the text names them all.
        ValueError: if there are no scans, or an argument is out of its range.
        OSError: if there is no room for the features.
    """
    postprocessing = classifier.postprocessing.with_flips(flips)
    return predict_with(classifier, scans, postprocessing, cache=cache, batch_size=batch_size, progress=progress)


def predict_with(
    classifier: OctClassifier,
    scans: OctDataset,
    postprocessing: Postprocessing,
    *,
    cache: bool | str = True,
    batch_size: int = 32,
    progress: bool | None = None,
) -> np.ndarray:
    """Compute probabilities with another postprocessing than the classifier's own.

    Args:
        classifier: as for ``predict_probabilities``, like all arguments but the next.
        scans: the dataset.
        postprocessing: what happens after the graph.
        cache: of the backbone's features.
        batch_size: scans in memory at a time.
        progress: show a bar.

    Returns:
        float32 (n, classes) in [0, 1]; rows sum to 1.

    Raises:
        UnreadableScanError: as ``predict_probabilities``.
        ValueError: likewise.
        OSError: likewise.
    """
    require_batches(scans, batch_size)
    cached = is_cached(cache)
    views = []
    for flipped in postprocessing.views:
        if cached:
            features = extract_features(
                classifier, scans, cache=cache, flipped=flipped, batch_size=batch_size, progress=progress
            )
            starts = range(0, len(features), HEAD_BATCH)
            batches: Iterable[np.ndarray] = (features[start : start + HEAD_BATCH] for start in starts)
        else:  # Features of many scans would fill the memory.
            batches = compute_features(classifier, scans, flipped, batch_size, progress)
        views.append(_probabilities(classifier, batches))
    return np.asarray(postprocessing.combine(views))


def _probabilities(classifier: OctClassifier, batches: Iterable[np.ndarray]) -> np.ndarray:
    logits = np.concatenate([keras.ops.convert_to_numpy(classifier.head_logits(batch)) for batch in batches])
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.softmax(logits)))
