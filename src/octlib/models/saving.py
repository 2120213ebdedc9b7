"""Saving: a classifier as a folder without pickle, whole at every moment.

``model.safetensors`` holds the weights and, as metadata, the configuration that they belong to. It is replaced in one
step, so whoever loads the folder gets the old classifier or the new one, even if a process is killed while saving.
``config.json`` and ``README.md`` say the same for people.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from octlib._files import failure_named, is_part, remove_parts, written_whole
from octlib.models.card import model_card
from octlib.models.state import load_state_dict, state_dict

if TYPE_CHECKING:
    from octlib.models.classifier import OctClassifier

FORMAT = "octlib-classifier"
FORMAT_VERSION = 1
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
PARTS = (CONFIG, WEIGHTS, CARD)


def save_folder(classifier: OctClassifier, folder: Path) -> None:
    """Write a classifier's folder; a classifier that is there is replaced, and nothing else.

    Args:
        classifier: what to save.
        folder: where to.
    """
    _require_replaceable(folder)
    if folder.exists():
        _write_parts(classifier, folder)
        remove_parts(folder)
        return
    with failure_named(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Written beside the target and moved into place, so that no half-written folder ever bears its name.
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        written = scratch / folder.name  # A temporary folder itself is closed to other users, and would stay so.
        written.mkdir()
        _write_parts(classifier, written)
        written.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def load_classifier(folder: str | Path) -> OctClassifier:
    """Load a classifier that was saved.

    Args:
        folder: the folder, or a ``.keras`` file.

    Returns:
        The classifier, with the same probabilities as when it was saved.

    Raises:
        FileNotFoundError: if there is no classifier.
        ValueError: if it is damaged, or written by a newer octlib.

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
    from octlib.models.classifier import OctClassifier
    from octlib.models.keras_backend import keras

    try:
        loaded = keras.saving.load_model(path)
    except (BadZipFile, KeyError, OSError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged, or not an octlib classifier: {error}.") from error
    if not isinstance(loaded, OctClassifier):
        raise ValueError(f"{path} is damaged, or not an octlib classifier: it holds a {type(loaded).__name__}.")
    return loaded


def _build(folder: Path) -> OctClassifier:
    from octlib.models.classifier import OctClassifier

    file = folder / CONFIG
    content = _read_config(file)
    try:
        settings = content["classifier"]
        classifier = OctClassifier.from_config(dict(settings))
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{file} is not the configuration of an octlib classifier: {error!r}.") from error
    own = _settings_of_weights(folder / WEIGHTS)
    if own is None or own == settings:
        return classifier
    warnings.warn(
        f"{file} says otherwise than the weights beside it: saving was broken off, or somebody has changed it. What "
        "the weights were saved with is used; save the classifier again to put it right.",
        UserWarning,
        stacklevel=3,
    )
    return OctClassifier.from_config(own)


def _write_parts(classifier: OctClassifier, folder: Path) -> None:
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "octlib_version": version("octlib"),
        "classifier": classifier.get_config(),
    }
    # One entry, since safetensors writes several in an order that differs from run to run.
    metadata = {"classifier": json.dumps(config["classifier"])}
    # All three are written before the first takes its place. The last block is left first, so the weights come last.
    with (
        written_whole(folder / WEIGHTS) as weights,
        written_whole(folder / CONFIG) as settings,
        written_whole(folder / CARD) as card,
    ):
        # Not by save_file: it makes a file of its own first, which nobody would remove after a process was killed.
        weights.write_bytes(save(state_dict(classifier), metadata))
        settings.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        card.write_text(model_card(classifier), encoding="utf-8")


def _settings_of_weights(file: Path) -> dict[str, Any] | None:
    """Read the settings that the weights were saved with; a file that cannot be read has none."""
    try:
        with safe_open(file, framework="pt") as weights:
            settings = json.loads((weights.metadata() or {})["classifier"])
    except (OSError, SafetensorError, ValueError, KeyError):
        return None
    return dict(settings)


def _load_weights(classifier: OctClassifier, file: Path) -> None:
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} has a {CONFIG} but no {file.name}: copy the whole folder.")
    try:
        load_state_dict(classifier, load_file(file))
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise ValueError(f"{file} is damaged, or not this classifier's: {error}.") from error


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"No classifier at {str(path.parent)!r}: a folder with config.json is needed.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind, number = content["format"], int(content["format_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not the configuration of an octlib classifier: {error!r}.") from error
    if kind != FORMAT or number > FORMAT_VERSION:
        raise ValueError(
            f"{path} has format {kind!r} version {number}; this octlib reads {FORMAT!r} up to version "
            f"{FORMAT_VERSION}. Upgrade octlib."
        )
    return dict(content)


def _require_replaceable(folder: Path) -> None:
    """See that overwriting costs no more than a classifier."""
    if not folder.exists():
        return
    strange = [folder.name]
    if folder.is_dir():
        strange = [path.name for path in folder.iterdir() if path.name not in PARTS and not is_part(path)]
    if strange:
        raise FileExistsError(
            f"{folder} holds more than a classifier ({', '.join(sorted(strange)[:3])}), so it is not replaced. "
            "Choose another name, or remove it."
        )
