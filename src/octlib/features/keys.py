"""Keys: what features depend on, as short digests."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import import_module
from importlib.metadata import version

import numpy as np

from octlib.data import OctDataset
from octlib.data.threads import in_threads
from octlib.models import OctClassifier
from octlib.models.backbone import Backbone
from octlib.models.keras_backend import keras
from octlib.models.passes import FeaturePass

# What else decides how a scan is decoded, prepared and passed on.
PACKAGES = ("octlib", "pillow", "timm")  # and the backend of Keras
AT_A_TIME = 64  # scans


def backbone_key(source: OctClassifier | FeaturePass) -> str:
    """Digest all that turns a scan into features: preprocessing, every weight and buffer, pooling, and versions.

    Args:
        source: a classifier, or one of its ``passes``; the head doesn't count.

    Returns:
        64 hexadecimal digits.
    """
    backbone, backend = source.backbone, keras.config.backend()
    settings = {
        **backbone.settings,
        "preprocessing": source.preprocessing.to_dict(),
        "device": backbone.device,
        "versions": {name: _version(name) for name in PACKAGES} | {backend: import_module(backend).__version__},
        "weights": _weights_digest(backbone),
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def classifier_key(classifier: OctClassifier) -> str:
    """Digest a classifier: preprocessing, backbone and head, with every weight; versions and device don't count.

    Args:
        classifier: any.

    Returns:
        64 hexadecimal digits, the same for what was saved and loaded.
    """
    backbone = classifier.backbone
    settings = {**backbone.settings, "preprocessing": classifier.preprocessing.to_dict()}
    digest = hashlib.sha256(json.dumps([settings, _weights_digest(backbone)], sort_keys=True).encode())
    for values in classifier.head.get_weights():
        digest.update(_digest_of_array(values))
    return digest.hexdigest()


def scan_keys(scans: OctDataset, *, flipped: bool = False, progress: bool | None = False) -> list[bytes]:
    """Digest the content of each scan, which is faster than decoding it.

    Args:
        scans: the dataset.
        flipped: for the features of the scans as a mirror shows them.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        32 bytes a scan: equal for equal content, whatever its name.
    """
    # Many at a time: to hand over a single scan takes a thread as long as to read it.
    parts = [scans[start : start + AT_A_TIME] for start in range(0, len(scans), AT_A_TIME)]
    found = in_threads(lambda part: [scan.fingerprint() for scan in part], parts, title="looking up", show=progress)
    contents = [content for part in found for content in part]
    return [hashlib.sha256(b"flipped" + content).digest() for content in contents] if flipped else contents


_version = cache(version)  # which reads a file each time


def _weights_digest(backbone: Backbone) -> str:
    if backbone.unchanging and backbone.weights_digest is not None:
        return backbone.weights_digest
    state = backbone.state()
    names = [(name, str(value.dtype), tuple(value.shape)) for name, value in state.items()]
    digest = hashlib.sha256(json.dumps(names).encode())
    # The largest first, so that no thread is left alone with one in the end.
    arrays = sorted(state.values(), key=np.size, reverse=True)
    for part in in_threads(_digest_of_array, arrays, title="weights"):
        digest.update(part)
    if backbone.unchanging:
        backbone.weights_digest = digest.hexdigest()
    return digest.hexdigest()


def _digest_of_array(values: np.ndarray) -> bytes:
    # On torch, convolutions lie in memory with channels last: in this order they need not be copied.
    values = values.transpose(0, 2, 3, 1) if values.ndim == 4 else values
    return hashlib.sha256(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data).digest()
