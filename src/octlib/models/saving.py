"""Saving: a classifier as a folder without pickle, whole at every moment.

``model.safetensors`` holds the weights and, as metadata, the configuration that they belong to. It is replaced in one
step, so whoever loads the folder gets the old classifier or the new one, even if a process is killed while saving.
``config.json`` and ``README.md`` say the same for people. ``familiarity.safetensors`` is there if familiarity was
learned; it names the weights that it belongs to, so that others beside it are noticed.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from octlib._files import failure_named, is_part, remove_parts, written_whole
from octlib.models.card import check_evaluation, model_card
from octlib.models.reference import FAMILIARITY, Reference

FORMAT = "octlib-classifier"
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
FILES = CONFIG, WEIGHTS, CARD, FAMILIARITY
SETTINGS = "classifier"  # the key of a classifier's settings, in the configuration and in the metadata of the weights


def save_folder(
    folder: Path,
    settings: Mapping[str, Any],
    weights: Mapping[str, np.ndarray],
    evaluation: Any = None,
    *,
    reference: Reference | None = None,
    place: str = "this-folder",
) -> None:
    """Write a classifier's folder; a classifier that is there is replaced, and nothing else.

    Args:
        folder: where to.
        settings: the classifier's, as JSON can hold them.
        weights: name to array, in C's order.
        evaluation: what the model card says of how well the classifier does; ``None`` says nothing.
        reference: what familiarity is measured by, or ``None``.
        place: where the model card loads the classifier from.

    Raises:
        FileExistsError: if anything else is in the folder.
        OSError: if it can't be written.
        TypeError: if ``evaluation`` is none.
        ValueError: if it is of other classes.
    """
    check_evaluation(evaluation, settings["class_names"])
    _require_replaceable(folder)
    card = partial(model_card, settings, evaluation, place)
    if folder.exists():
        _write_files(folder, settings, weights, reference, card)
        if reference is None:
            (folder / FAMILIARITY).unlink(missing_ok=True)
        remove_parts(folder)
        return
    with failure_named(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Written beside the target and moved into place, so that no half-written folder ever bears its name.
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        written = scratch / folder.name  # A temporary folder itself is closed to other users, and would stay so.
        written.mkdir()
        _write_files(written, settings, weights, reference, card)
        written.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write_files(
    folder: Path,
    settings: Mapping[str, Any],
    weights: Mapping[str, np.ndarray],
    reference: Reference | None,
    card: Callable[[], str],
) -> None:
    config: dict[str, Any] = {"format": FORMAT, "octlib_version": version("octlib"), SETTINGS: settings}
    if reference is not None:
        config[FAMILIARITY] = True  # whoever fetches files one by one asks for it
    # One entry, since safetensors writes several in an order that differs from run to run.
    metadata = {SETTINGS: json.dumps(settings)}
    # All are written before the first takes its place. The last block is left first, so the weights come last.
    with (
        written_whole(folder / WEIGHTS) as weights_file,
        written_whole(folder / CONFIG) as config_file,
        written_whole(folder / CARD) as card_file,
        ExitStack() as optional,
    ):
        # Not by save_file: it makes a file of its own first, which nobody would remove after a process was killed.
        weights_file.write_bytes(save(dict(weights), metadata))
        config_file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        card_file.write_text(card(), encoding="utf-8")
        if reference is not None:
            optional.enter_context(written_whole(folder / FAMILIARITY)).write_bytes(reference.to_bytes())


def _require_replaceable(folder: Path) -> None:
    """See that overwriting costs no more than a classifier."""
    if not folder.exists():
        return
    strange = [folder.name]
    if folder.is_dir():
        strange = [path.name for path in folder.iterdir() if path.name not in FILES and not is_part(path)]
    if strange:
        raise FileExistsError(
            f"{folder} holds more than a classifier ({', '.join(sorted(strange)[:3])}), so it is not replaced. "
            "Choose another name, or remove it."
        )
