"""Reading: a classifier from the folder, the file or the repository that it was saved in, none of which is trusted."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from octlib.errors import ConfigWarning, WeightsError
from octlib.models.fetching import fetch_config, fetch_weights
from octlib.models.hub_questions import HUB_PREFIX
from octlib.models.keras_backend import keras
from octlib.models.reference import FAMILIARITY, read_reference
from octlib.models.saving import CONFIG, FORMAT, SETTINGS, WEIGHTS
from octlib.models.state import load_state_dict


def read_classifier(
    kind: Any, source: str | Path, *, revision: str | None = None, token: str | bool | None = None
) -> Any:
    """Read a classifier that was saved; nothing is unpickled.

    Args:
        kind: the class of classifiers.
        source: a folder, a ``.keras`` file, or ``"hf-hub:owner/name"``, with ``"@revision"`` or without.
        revision: of a repository, where ``source`` doesn't say.
        token: as the hub's client takes it.

    Returns:
        The classifier.

    Raises:
        FileNotFoundError: if there is no classifier.
        ValueError: if it is damaged, or written by a newer octlib; if a revision is asked of a folder, or twice.
        WeightsError: if its settings would choose files or places; nothing of theirs is opened.
        HubError: if the hub doesn't give it, and it isn't in the local cache.
    """
    if isinstance(source, str) and source.startswith(HUB_PREFIX):
        path = _fetch(source.removeprefix(HUB_PREFIX), revision, token)
    elif revision is None:
        path = Path(source)
    else:
        raise ValueError(
            f"revision={revision!r} is for repositories of the hub, and {str(source)!r} is here. Leave it out."
        )
    if path.suffix == ".keras" and path.is_file():
        return _load_keras_file(kind, path)
    classifier = _build(kind, path)
    _load_weights(classifier, path / WEIGHTS)
    if (path / FAMILIARITY).is_file():
        classifier.reference = read_reference(path / FAMILIARITY)
    return classifier


def _fetch(name: str, revision: str | None, token: str | bool | None) -> Path:
    repository, _, named = name.partition("@")
    if named and revision not in (None, named):
        raise ValueError(f"{name!r} names the revision {named!r}, and revision={revision!r} another. Leave one out.")
    config = fetch_config(repository, revision or named or None, token)
    _read_settings(config)  # before weights are fetched, which may be large and of something else
    # Not blindly: a repository may hold what an earlier upload has left there.
    learned = json.loads(config.read_text(encoding="utf-8")).get(FAMILIARITY) is True
    fetch_weights(repository, config, token, familiarity=learned)
    return config.parent


def _load_keras_file(kind: Any, path: Path) -> Any:
    try:
        loaded = keras.saving.load_model(path)
    except (BadZipFile, KeyError, OSError, TypeError, ValueError) as error:
        # Keras's own text repeats the whole configuration; what it met says more.
        reason = error.__context__ if isinstance(error.__context__, WeightsError) else error
        raise WeightsError(f"{path} is damaged, or not an octlib classifier: {reason}") from error
    if not isinstance(loaded, kind):
        raise WeightsError(f"{path} is damaged, or not an octlib classifier: it holds a {type(loaded).__name__}.")
    return loaded


def _build(kind: Any, folder: Path) -> Any:
    file = folder / CONFIG
    settings = _read_settings(file)
    classifier = _from_settings(kind, file, settings)
    saved = _settings_of_weights(folder / WEIGHTS)
    if saved is None or saved == settings:
        return classifier
    warnings.warn(
        ConfigWarning(
            f"{file} says otherwise than the weights beside it: saving was broken off, or somebody has changed it. "
            "What the weights were saved with is used.",
            "Save the classifier again to put it right.",
        ),
        stacklevel=4,
    )
    return _from_settings(kind, folder / WEIGHTS, saved)


def _from_settings(kind: Any, file: Path, settings: Any) -> Any:
    try:
        return kind.from_config(dict(settings))
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


def _load_weights(classifier: Any, file: Path) -> None:
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} has a {CONFIG} but no {file.name}: copy the whole folder.")
    try:
        load_state_dict(classifier, load_file(file))
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise WeightsError(f"{file} is damaged, or not this classifier's: {error}.") from error
