"""Making: what was trained, and on what it ran, so that somebody else can do it again."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from octlib.models import OctClassifier

PACKAGES = ("octlib", "keras", "torch", "timm", "grad-cam", "scikit-learn", "numpy", "pillow")


def describe_making(classifier: OctClassifier | None) -> list[tuple[str, str]]:
    """Say what the classifier is, and with which software on which machine the page was written.

    Args:
        classifier: what was evaluated; ``None`` leaves it out.

    Returns:
        Names and values, for a table.
    """
    rows: list[tuple[str, str]] = []
    if classifier is not None:
        from octlib.models import describe_classifier

        rows += describe_classifier(classifier.get_config())
        rows += [("seed", str(classifier.seed)), ("SHA-256 of all weights", weights_digest(classifier))]
    return [*rows, ("packages", _packages()), ("machine", _machine(classifier))]


def weights_digest(classifier: OctClassifier) -> str:
    """Digest names, types, shapes and values of all weights and buffers: 64 hexadecimal digits."""
    from octlib.models.state import state_dict

    digest = hashlib.sha256()
    for name, values in sorted(state_dict(classifier).items()):
        digest.update(repr((name, values.dtype.str, values.shape)).encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _packages() -> str:
    return ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name)))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # its distribution goes by another name, as that of a build for some GPU may
        return ""


def _machine(classifier: OctClassifier | None) -> str:
    parts = [f"Python {platform.python_version()}", platform.system(), platform.machine(), f"{os.cpu_count()} cores"]
    if classifier is not None:
        from octlib.models.keras_backend import keras

        parts.append(f"Keras on {keras.config.backend()}, {classifier.backbone.device}")
    return ", ".join(parts)
