"""Prediction: the probabilities of a classifier, from features where its backbone is frozen."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from octlib.data import OctDataset
from octlib.features.extraction import Features, extract_features
from octlib.features.forward import forward
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
        classifier: the classifier.
        scans: the dataset.
        cache: of a frozen backbone's features, as in ``extract_features``.
        flips: average over each scan and its mirror image; ``None`` is what ``classifier.postprocessing`` says.
        batch_size: scans in memory at a time.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        float32 (n, classes) in [0, 1]; rows sum to 1.

    Raises:
        ValueError: if there are no scans, one cannot be read, or an argument is out of its range.
        OSError: if there is no room for the features.
    """
    postprocessing = classifier.postprocessing if flips is None else Postprocessing(flips)
    if classifier.frozen:
        views = [
            _of_features(
                classifier,
                extract_features(
                    classifier, scans, cache=cache, flipped=flipped, batch_size=batch_size, progress=progress
                ),
            )
            for flipped in postprocessing.views
        ]
        return np.asarray(postprocessing.combine(views))

    def predicted(batch: np.ndarray) -> Any:
        batches = (batch[:, :, ::-1].copy() if flipped else batch for flipped in postprocessing.views)
        return postprocessing.combine([classifier(view) for view in batches])

    parts = forward(
        predicted,
        classifier,
        scans,
        batch_size=batch_size,
        progress=progress,
        title="prediction",
    )
    return np.concatenate(list(parts))


def _of_features(classifier: OctClassifier, features: Features) -> np.ndarray:
    starts = range(0, len(features), HEAD_BATCH)
    with torch.inference_mode():
        parts = [classifier.head_logits(features[start : start + HEAD_BATCH]) for start in starts]
        probabilities: np.ndarray = keras.ops.convert_to_numpy(keras.ops.softmax(keras.ops.concatenate(parts)))
    return probabilities
