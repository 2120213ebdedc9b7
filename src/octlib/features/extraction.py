"""Extraction: each scan passes through a backbone once, and its features are kept for whoever needs them next."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from octlib._cache import cache_limit, features_folder
from octlib.data import OctDataset, require_readable
from octlib.errors import UnreadableScanError
from octlib.features.asymmetry import AsymmetryPass
from octlib.features.forward import forward, require_batches
from octlib.features.keys import backbone_key, scan_keys
from octlib.features.rows import JoinedRows, StoredRows
from octlib.features.store import FeatureStore
from octlib.models import OctClassifier
from octlib.models.cut_classifier import CutClassifier
from octlib.models.passes import FeaturePass

FLOAT16 = "float16"
IN_MEMORY = 64 * 2**20  # bytes: more stay on disk, memory-mapped

Features = np.ndarray | StoredRows


def extract_features(
    classifier: OctClassifier | CutClassifier | AsymmetryPass,
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
        classifier: its preprocessing, backbone and pooling are used; of a cut one, the stages that stay as they are.
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
    dtype, keys = FLOAT16 if cache == FLOAT16 else "float32", _keys(scans, flipped, progress)
    parts = []
    for feature_pass in classifier.passes:
        store = open_store(feature_pass, dtype)
        _fill(store, feature_pass, scans, keys, flipped=flipped, batch_size=batch_size, progress=progress)
        parts.append(store.rows(keys))
    found = parts[0] if len(parts) == 1 else JoinedRows.of(parts)
    return found if found.nbytes > IN_MEMORY else found[:]


def _fill(
    store: FeatureStore,
    feature_pass: FeaturePass,
    scans: OctDataset,
    keys: list[bytes],
    *,
    flipped: bool,
    batch_size: int,
    progress: bool | None,
) -> None:
    """Compute what a store lacks."""
    store.find(keys)
    missing = store.missing(keys)
    if not missing:
        return
    store.require_room(len(missing))
    try:
        start = 0
        for rows in compute_features(feature_pass, scans.subset(missing), flipped, batch_size, progress):
            store.add([keys[position] for position in missing[start : start + len(rows)]], rows)
            start += len(rows)
    except UnreadableScanError:
        require_readable(scans)  # The pass knows of the scans that were missing; the user wants to know of all.
        raise
    finally:
        store.flush()  # What Ctrl-C or a damaged scan leaves undone does not undo what is done.


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
    source: OctClassifier | CutClassifier | FeaturePass,
    scans: OctDataset,
    flipped: bool,
    batch_size: int,
    progress: bool | None,
) -> Iterator[np.ndarray]:
    """Pass scans through the backbone of a classifier, or all of them, or through one of ``classifier.passes``.

    Other arguments are as in ``extract_features``.

    Yields:
        float32 (batch, features), one batch after the other.
    """
    function = source.extract if not flipped else lambda batch: source.extract(batch[:, :, ::-1].copy())
    return forward(function, source.preprocessing, scans, batch_size=batch_size, progress=progress, title="features")


def open_store(source: OctClassifier | FeaturePass, dtype: str = "float32") -> FeatureStore:
    """Open the store of a backbone.

    Args:
        source: its preprocessing, and the backbone's weights and pooling, say which store.
        dtype: ``"float32"`` or ``"float16"``.

    Returns:
        The store; on disk, it is made when something is written.
    """
    key, backbone = backbone_key(source), source.backbone
    height, width = backbone.image_size
    name = f"{backbone.spec.architecture}-{height}x{width}-{dtype}-{key[:16]}"
    return FeatureStore(features_folder() / name, key, backbone.n_features, dtype)


def _keys(scans: OctDataset, flipped: bool, progress: bool | None) -> list[bytes]:
    try:
        return scan_keys(scans, flipped=flipped, progress=progress)
    except UnreadableScanError:
        require_readable(scans)  # It names all files that are gone, not only the first.
        raise
