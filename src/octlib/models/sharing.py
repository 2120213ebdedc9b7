"""Sharing: many classifiers on one frozen backbone, for a search over heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import timm

from octlib._checks import as_seed
from octlib.models.backbones import Weights
from octlib.models.building import build_classifier
from octlib.models.classifier import OctClassifier
from octlib.models.postprocessing import Postprocessing
from octlib.models.state import load_state_dict, take_state
from octlib.preprocessing import as_size

# One classifier, whose backbone others share; nobody else sees it, so it stays as it is. Not one for each key: what a
# search no longer needs would fill the memory.
_owner: dict[Any, OctClassifier] = {}


def sharing_classifier(
    backbone: str | Sequence[str],
    *,
    class_names: Sequence[str],
    image_size: Any,
    weights: Weights | Sequence[Weights],
    pooling: str,
    dropout: float,
    steps: Sequence[str],
    resize: str,
    flips: bool,
    seed: int,
) -> OctClassifier:
    """Build a frozen classifier that shares its backbone with the one that was built like this before, if it is equal.

    Args:
        backbone: like all arguments, as for ``build_classifier``.
        class_names: in the order of the outputs.
        image_size: what scans are resized to.
        weights: of the backbone.
        pooling: ``"average"`` or ``"flatten"``.
        dropout: share of features dropped while training.
        steps: what is done to a scan before it is resized.
        resize: what becomes of its aspect ratio.
        flips: average predictions over a scan and its mirror image.
        seed: of all initial weights.

    Returns:
        The classifier. It must stay frozen, and its backbone's weights what they are: ``own_copy`` gives one that
        needn't.
    """
    seed = as_seed(seed)
    size = None if image_size is None else as_size(image_size)
    names = tuple(backbone) if isinstance(backbone, list | tuple) else (backbone,)
    sources = (weights,) if weights is None or isinstance(weights, str | Path) else tuple(weights)
    # timm's function: a program may register another architecture under the same name.
    entrypoints = tuple(timm.model_entrypoint(name) if timm.is_model(name) else name for name in names)
    files = tuple((str(each), _files(each)) for each in sources)
    key = (names, entrypoints, size, files, pooling, seed if None in sources else None)
    if key not in _owner:
        forget_shared()
        owner = build_classifier(backbone, image_size=size, weights=weights, pooling=pooling, seed=seed)
        owner.backbone.unchanging = True
        _owner[key] = owner
    owner = _owner[key]
    return OctClassifier(
        backbone=owner.backbone,
        class_names=class_names,
        preprocessing=replace(owner.preprocessing, steps=steps, resize=resize),
        pooling=pooling,
        dropout=dropout,
        postprocessing=Postprocessing(flips),
        seed=seed,
    )


def forget_shared() -> None:
    """Let go of the backbone that the next classifier would share."""
    _owner.clear()


def own_copy(classifier: OctClassifier) -> OctClassifier:
    """Copy a classifier, backbone and all, so that whatever changes the copy changes no other."""
    copy = OctClassifier.from_config(classifier.get_config())
    load_state_dict(copy, take_state(classifier))
    return copy


def _files(weights: Any) -> tuple[Any, ...]:
    """Tell files of weights from what they were before."""
    if weights is None or weights == "pretrained":
        return ()
    path = Path(weights)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    found = [(file.resolve(), file.stat()) for file in files if file.exists()]
    return tuple((file, stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns) for file, stat in found)
