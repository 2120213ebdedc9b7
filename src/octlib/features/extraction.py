"""Extraction: each scan passes through a backbone once, and its features are kept for whoever needs them next."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from octlib._cache import cache_limit, features_folder
from octlib.data import OctDataset, require_readable
from octlib.errors import UnreadableScanError
from octlib.features.forward import forward, require_batches
from octlib.features.keys import backbone_key, scan_keys
from octlib.features.rows import StoredRows
from octlib.features.store import FeatureStore
from octlib.models import OctClassifier

FLOAT16 = "float16"
IN_MEMORY = 64 * 2**20  # bytes: more stay on disk, memory-mapped

Features = np.ndarray | StoredRows


def extract_features(
    classifier: OctClassifier,
    scans: OctDataset,
    *,
    cache: bool | str = True,
    flipped: bool = False,
    batch_size: int = 32,
    progress: bool | None = None,
) -> Features:
    """Compute the features of scans, or take them from the store, where they stay for later runs and processes.

    The store knows a scan by the content of its file or array, and a backbone, frozen or fine-tuned, by all of its
    weights and its preprocessing; where one of them changes, features are computed anew. It lies in ``OCTLIB_CACHE``,
    else in the operating system's folder for caches, and may be deleted at any time.

    Args:
        classifier: its preprocessing, backbone and pooling are used.
        scans: the dataset.
        cache: ``True`` takes features from the store and keeps them there, ``"float16"`` in half the room; ``False``
            does without, as does the environment variable ``OCTLIB_CACHE_LIMIT=0``.
        flipped: as a mirror shows the scans, left and right exchanged.
        batch_size: scans in memory at a time.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        float32 (n, features): an array or, above 64 MB, ``StoredRows``, which reads rows from disk when asked for.

    Raises:
        UnreadableScanError: if some scans can't be read; the text names them all.
        ValueError: if there are no scans, or an argument is out of its range.
        OSError: if there is no room for the features.
    """
    require_batches(scans, batch_size)
    if not is_cached(cache):
        return np.concatenate(list(compute_features(classifier, scans, flipped, batch_size, progress)))
    store = open_store(classifier, FLOAT16 if cache == FLOAT16 else "float32")
    keys = _keys(scans, flipped, progress)
    store.find(keys)
    missing = store.missing(keys)
    if missing:
        store.require_room(len(missing))
        try:
            start = 0
            for rows in compute_features(classifier, scans.subset(missing), flipped, batch_size, progress):
                store.add([keys[position] for position in missing[start : start + len(rows)]], rows)
                start += len(rows)
        except UnreadableScanError:
            require_readable(scans)  # The pass knows of the scans that were missing; the user wants to know of all.
            raise
        finally:
            store.flush()  # What Ctrl-C or a damaged scan leaves undone does not undo what is done.
    found = store.rows(keys)
    return found if found.nbytes > IN_MEMORY else found[:]


def is_cached(cache: object) -> bool:
    """Say whether features are to be kept on disk, and refuse what isn't a choice, before anything is read.

    Args:
        cache: ``True``, ``False`` or ``"float16"``.

    Returns:
        Whether ``cache`` asks for it and ``OCTLIB_CACHE_LIMIT`` isn't 0.

    Raises:
        ValueError: if it is no choice, or ``OCTLIB_CACHE_LIMIT`` is no size.
    """
    if not (isinstance(cache, bool) or cache == FLOAT16):
        raise ValueError(f"cache must be True, False or {FLOAT16!r}, got {cache!r}.")
    return cache is not False and cache_limit() > 0


def compute_features(
    classifier: OctClassifier, scans: OctDataset, flipped: bool, batch_size: int, progress: bool | None
) -> Iterator[np.ndarray]:
    """Pass scans through the backbone; arguments as in ``extract_features``.

    Yields:
        float32 (batch, features), one batch after the other.
    """
    function = classifier.extract if not flipped else lambda batch: classifier.extract(batch[:, :, ::-1].copy())
    return forward(function, classifier, scans, batch_size=batch_size, progress=progress, title="features")


def open_store(classifier: OctClassifier, dtype: str = "float32") -> FeatureStore:
    """Open the store of a classifier's backbone.

    Args:
        classifier: its preprocessing, weights and pooling say which one.
        dtype: ``"float32"`` or ``"float16"``.

    Returns:
        The store; on disk, it is made when something is written.
    """
    key = backbone_key(classifier)
    height, width = classifier.image_size
    name = f"{classifier.backbone_name}-{height}x{width}-{dtype}-{key[:16]}"
    return FeatureStore(features_folder() / name, key, classifier.backbone.n_features, dtype)


def _keys(scans: OctDataset, flipped: bool, progress: bool | None) -> list[bytes]:
    try:
        return scan_keys(scans, flipped=flipped, progress=progress)
    except UnreadableScanError:
        require_readable(scans)  # It names all files that are gone, not only the first.
        raise
