"""Loading: a classifier from the folder or the file that it was saved in, neither of which is trusted."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from octlib.errors import ConfigWarning, WeightsError
from octlib.models.classifier import OctClassifier
from octlib.models.keras_backend import keras
from octlib.models.saving import CONFIG, FORMAT, SETTINGS, WEIGHTS
from octlib.models.state import load_state_dict


def load_classifier(folder: str | Path) -> OctClassifier:
    """Load a classifier that was saved.

    Args:
        folder: the folder, or a ``.keras`` file.

    Returns:
        The classifier, with the same probabilities as when it was saved.

    Raises:
        FileNotFoundError: if there is no classifier.
        ValueError: if it is damaged, or written by a newer octlib.
        WeightsError: if its settings would choose files or places; nothing of theirs is opened.

    Example:
        >>> import octlib, tempfile
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     classifier.save(f"{folder}/classifier")
        ...     octlib.load_classifier(f"{folder}/classifier").class_names
        ('CNV', 'DME', 'DRUSEN', 'NORMAL')
    """
    path = Path(folder)
    if path.suffix == ".keras" and path.is_file():
        return _load_keras_file(path)
    classifier = _build(path)
    _load_weights(classifier, path / WEIGHTS)
    return classifier


def _load_keras_file(path: Path) -> OctClassifier:
    try:
        loaded = keras.saving.load_model(path)
    except (BadZipFile, KeyError, OSError, TypeError, ValueError) as error:
        # Keras's own text repeats the whole configuration; what it met says more.
        reason = error.__context__ if isinstance(error.__context__, WeightsError) else error
        raise WeightsError(f"{path} is damaged, or not an octlib classifier: {reason}") from error
    if not isinstance(loaded, OctClassifier):
        raise WeightsError(f"{path} is damaged, or not an octlib classifier: it holds a {type(loaded).__name__}.")
    return loaded


def _build(folder: Path) -> OctClassifier:
    file = folder / CONFIG
    settings = _read_settings(file)
    classifier = _from_settings(file, settings)
    saved = _settings_of_weights(folder / WEIGHTS)
    if saved is None or saved == settings:
        return classifier
    warnings.warn(
        ConfigWarning(
            f"{file} says otherwise than the weights beside it: saving was broken off, or somebody has changed it. "
            "What the weights were saved with is used.",
            "Save the classifier again to put it right.",
        ),
        stacklevel=3,
    )
    return _from_settings(folder / WEIGHTS, saved)


def _from_settings(file: Path, settings: Any) -> OctClassifier:
    try:
        return OctClassifier.from_config(dict(settings))
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = error if isinstance(error, ValueError) else repr(error)
        raise WeightsError(f"{file} is not the configuration of an octlib classifier: {reason}") from error


def _read_settings(path: Path) -> Any:
    if not path.is_file():
        inside = path.parent / "classifier"  # of what octlib train writes
        hint = f" Did you mean {str(inside)!r}?" if (inside / CONFIG).is_file() else ""
        raise FileNotFoundError(f"No classifier at {str(path.parent)!r}: a folder with {CONFIG} is needed.{hint}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind, settings = content["format"], content[SETTINGS]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is not the configuration of an octlib classifier: {error!r}.") from error
    if kind != FORMAT:
        raise WeightsError(f"{path} has the format {kind!r}; this octlib reads {FORMAT!r}. Upgrade octlib.")
    return settings


def _settings_of_weights(file: Path) -> Any:
    """Read the settings that the weights were saved with; a file that cannot be read has none."""
    try:
        with safe_open(file, framework="numpy") as weights:
            return json.loads((weights.metadata() or {})[SETTINGS])
    except (OSError, SafetensorError, ValueError, KeyError):
        return None


def _load_weights(classifier: OctClassifier, file: Path) -> None:
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} has a {CONFIG} but no {file.name}: copy the whole folder.")
    try:
        load_state_dict(classifier, load_file(file))
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise WeightsError(f"{file} is damaged, or not this classifier's: {error}.") from error
