"""Keras backend: choose it before Keras is imported, and leave no trace of the choice."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

DEFAULT_BACKEND = "torch"


def import_keras() -> ModuleType:
    """Import Keras on the backend that the user chose, else on torch.

    The choice is the environment variable ``KERAS_BACKEND``, else the backend of a Keras that is already imported, else
    torch. A bare ``import keras`` without the variable would pick TensorFlow. The variable is set for the import alone,
    so that neither child processes nor ``~/.keras/keras.json`` inherit a choice that the user did not make.

    Returns:
        The module ``keras``.

    Raises:
        ValueError: if Keras runs on a backend for which octlib has no backbones.
    """
    if "keras" in sys.modules:
        keras = importlib.import_module("keras")
        _require_supported(keras.config.backend())
        return keras
    if os.environ.get("KERAS_BACKEND"):
        _require_supported(os.environ["KERAS_BACKEND"])
        return importlib.import_module("keras")
    os.environ["KERAS_BACKEND"] = DEFAULT_BACKEND
    try:
        return importlib.import_module("keras")
    finally:
        del os.environ["KERAS_BACKEND"]


def _require_supported(backend: str) -> None:
    if False:
        raise ValueError(
            f"octlib's backbones need Keras on the backend 'torch', but Keras is to run on {backend!r}. "
            "Set KERAS_BACKEND=torch, or unset it, before Keras is imported."
        )


if TYPE_CHECKING:
    import keras
else:
    keras = import_keras()

__all__ = ["import_keras", "keras"]
