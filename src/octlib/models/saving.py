"""Saving: a classifier as a folder without pickle, written whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from octlib.models.card import model_card

if TYPE_CHECKING:
    from octlib.models.classifier import OctClassifier

FORMAT = "octlib-classifier"
FORMAT_VERSION = 1
PARTS = ("config.json", "model.safetensors", "README.md")


def save_folder(classifier: OctClassifier, folder: Path) -> None:
    """Write a classifier's folder; a classifier that is there is replaced, and nothing else.

    Args:
        classifier: what to save.
        folder: where to.
    """
    _require_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Written beside the target and moved into place, so that no half-written folder ever bears its name.
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        written = scratch / folder.name  # A temporary folder itself is closed to other users, and would stay so.
        written.mkdir()
        _write_parts(classifier, written)
        _move_into_place(written, folder)
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
    classifier = _build(path / "config.json")
    _load_weights(classifier, path / "model.safetensors")
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


def _build(path: Path) -> OctClassifier:
    from octlib.models.classifier import OctClassifier

    content = _read_config(path)
    try:
        return OctClassifier.from_config(dict(content["classifier"]))
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not the configuration of an octlib classifier: {error!r}.") from error


def _write_parts(classifier: OctClassifier, folder: Path) -> None:
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "octlib_version": version("octlib"),
        "classifier": classifier.get_config(),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(model_card(classifier), encoding="utf-8")
    save_file(state_dict(classifier), folder / "model.safetensors", metadata={"format": "pt"})


def state_dict(classifier: OctClassifier) -> dict[str, torch.Tensor]:
    """Return every weight and buffer in timm's key names; the head bears timm's name of the architecture's classifier.

    Args:
        classifier: whose weights.

    Returns:
        Name to tensor, on the CPU.
    """
    name = classifier.backbone.spec.classifier
    kernel, bias = (weight.value for weight in classifier.head.weights)
    head = {f"{name}.weight": kernel.T, f"{name}.bias": bias}
    backbone = classifier.backbone.module.module.state_dict()
    return {key: value.detach().cpu().contiguous() for key, value in {**backbone, **head}.items()}


def _load_weights(classifier: OctClassifier, file: Path) -> None:
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} has a config.json but no {file.name}: copy the whole folder.")
    try:
        weights = load_file(file)
        name = classifier.backbone.spec.classifier
        kernel, bias = weights.pop(f"{name}.weight").T, weights.pop(f"{name}.bias")
        classifier.head.set_weights([kernel.numpy(), bias.numpy()])
        classifier.backbone.module.module.load_state_dict(weights)
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
    strange = [path.name for path in folder.iterdir() if path.name not in PARTS] if folder.is_dir() else [folder.name]
    if strange:
        raise FileExistsError(
            f"{folder} holds more than a classifier ({', '.join(sorted(strange)[:3])}), so it is not replaced. "
            "Choose another name, or remove it."
        )


def _move_into_place(written: Path, folder: Path) -> None:
    if not folder.exists():
        written.rename(folder)
        return
    # A folder cannot be replaced in one step: the old one steps aside, and back again should the move fail.
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent)) / folder.name
    folder.rename(aside)
    try:
        written.rename(folder)
    except BaseException:
        aside.rename(folder)
        aside.parent.rmdir()
        raise
    shutil.rmtree(aside.parent, ignore_errors=True)
