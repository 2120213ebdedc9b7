"""Keras backend: choose it before Keras is imported, and leave no trace of the choice."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from octlib._lazy import keep_triton_out
from octlib.errors import MissingPackageError

DEFAULT_BACKEND = "torch"
BACKENDS = ("torch", "jax", "tensorflow")


def import_keras() -> ModuleType:
    """Import Keras on the backend that the user chose, else on torch.

    The choice is the environment variable ``KERAS_BACKEND``, else the backend of a Keras that is already imported, else
    torch. A bare ``import keras`` without the variable would pick TensorFlow. The variable is set for the import alone,
    so that neither child processes nor ``~/.keras/keras.json`` inherit a choice that the user did not make.

    Returns:
        The module ``keras``.

    Raises:
        MissingPackageError: if the package of the backend is not installed.
        ValueError: if Keras is to run on, or runs on, a backend on which nothing can be trained.
    """
    if "keras" in sys.modules:
        keras = importlib.import_module("keras")
        _require_supported(keras.config.backend())
        keep_triton_out()
        return keras
    backend = os.environ.get("KERAS_BACKEND") or DEFAULT_BACKEND
    _require_supported(backend)
    if find_spec(backend) is None:
        raise MissingPackageError(
            f"KERAS_BACKEND={backend} needs {backend}, not installed here.", f"Run: pip install 'octlib[{backend}]'"
        )
    keep_triton_out()
    with _set_for_now("KERAS_BACKEND", backend), _no_new_home():
        return importlib.import_module("keras")


def _require_supported(backend: str) -> None:
    if backend not in BACKENDS:
        raise ValueError(
            f"octlib needs Keras on the backend torch, jax or tensorflow, but Keras is to run on {backend!r}. Set "
            "KERAS_BACKEND to one of them, or unset it, which is torch, before Keras is imported."
        )


@contextmanager
def _set_for_now(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def _no_new_home() -> Iterator[None]:
    """Keep Keras from making ``~/.keras`` while it is imported; one that is there is read as ever."""
    home = Path("~/.keras").expanduser()
    if "KERAS_HOME" in os.environ or home.exists():
        yield
        return
    with tempfile.TemporaryDirectory() as elsewhere, _set_for_now("KERAS_HOME", elsewhere):
        yield
        # Later downloads by Keras itself go where its documentation says.
        vars(importlib.import_module("keras.src.backend.config"))["_KERAS_DIR"] = str(home)


if TYPE_CHECKING:
    import keras
else:
    keras = import_keras()

__all__ = ["import_keras", "keras"]
