"""Explain: which parts of a scan speak for a class."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from octlib._progress import progress as progress_bar
from octlib._suggest import unknown
from octlib.data import OctDataset, as_dataset
from octlib.explanation.cams import CamMaker
from octlib.explanation.result import Explanation
from octlib.models import OctClassifier

BATCH_SIZE = 16


def explain(
    classifier: OctClassifier,
    scans: OctDataset | np.ndarray | str | Path | Sequence[str | Path],
    *,
    method: str = "gradcam",
    target: str | Sequence[str] | None = None,
    layer: str | None = None,
) -> Explanation:
    """Compute class activation maps by pytorch-grad-cam.

    It works on a copy of the classifier, frozen or not, whatever the architecture: every backbone hands its last map
    over as (channels, height, width).

    Args:
        classifier: whose decision is explained.
        scans: a dataset, a uint8 array (n, height, width[, 1 or 3]), a path or a list of paths.
        method: ``"gradcam"`` (Selvaraju et al. 2017, section 3), ``"gradcam++"``, ``"hirescam"``, ``"xgradcam"``,
            ``"layercam"``, ``"eigencam"``, ``"eigengradcam"``, ``"scorecam"`` or ``"ablationcam"``.
        target: the class to explain, or one for each scan; ``None`` is the predicted class of each.
        layer: timm's name of a layer, such as ``"layer3"`` of a ResNet; ``None`` is the last map.

    Returns:
        The maps, with what they are of.

    Raises:
        ValueError: if a method, class or layer is unknown, or there are no scans.

    Example:
        >>> import octlib
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> maps = octlib.explain(classifier, octlib.load_oct_dataset("phantoms").sample(2), target="DRUSEN")
        >>> maps.heatmaps.shape, maps.targets
        ((2, 64, 64), ('DRUSEN', 'DRUSEN'))
    """
    scans = as_dataset(scans)
    if len(scans) == 0:
        raise ValueError("There are no scans to explain.")
    wanted = _wanted_classes(target, len(scans), classifier.class_names)
    maker = CamMaker(classifier, method, layer)
    batches = zip(scans.batches(classifier.preprocessing, BATCH_SIZE), _parts(len(scans)), strict=True)
    results = [maker(images, wanted[part]) for images, part in batches]
    explanation = Explanation(
        heatmaps=np.concatenate([heatmaps for heatmaps, _ in results]),
        targets=tuple(classifier.class_names[index] for _, indices in results for index in indices),
        scans=scans,
        method=method,
        layer=layer,
    )
    _warn_of_silence(explanation)
    return explanation


def _parts(n: int) -> Iterator[np.ndarray]:
    starts: Any = progress_bar(range(0, n, BATCH_SIZE), title="explanation")
    return (np.arange(start, min(start + BATCH_SIZE, n)) for start in starts)


def _wanted_classes(target: str | Sequence[str] | None, n: int, class_names: tuple[str, ...]) -> np.ndarray:
    """Return class indices, int (n,); -1 stands for the predicted class."""
    if target is None:
        return np.full(n, -1)
    names = [target] * n if isinstance(target, str) else list(target)
    if len(names) != n:
        raise ValueError(f"target must be one class, or one for each of the {n} scans, got {len(names)}.")
    for name in names:
        if name not in class_names:
            raise unknown("class", name, class_names)
    return np.array([class_names.index(name) for name in names])


def _warn_of_silence(explanation: Explanation) -> None:
    silent = np.flatnonzero(~explanation.has_signal)
    if len(silent):
        warnings.warn(
            f"{len(silent)} of {len(explanation.heatmaps)} maps are constant and show nothing (scans "
            f"{', '.join(map(str, silent[:8]))}{', ...' if len(silent) > 8 else ''}): no part of these scans speaks "
            "for the class. Another method, target or layer may have more to say.",
            UserWarning,
            stacklevel=3,
        )
