"""Explain: which parts of a scan speak for a class."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from octlib._checks import as_whole
from octlib._progress import progress as progress_bar
from octlib._suggest import unknown
from octlib.data import OctDataset, as_dataset
from octlib.errors import ConstantMapWarning, ExplanationError
from octlib.explanation.asking import Asking
from octlib.explanation.extra import refuse_layer
from octlib.explanation.layers import LAST
from octlib.explanation.methods import METHODS
from octlib.explanation.result import OF_THE_SCAN, Explanation
from octlib.models import OctClassifier
from octlib.models.classifier import require_classifier


def explain(
    classifier: OctClassifier,
    scans: OctDataset | np.ndarray | str | Path | Sequence[str | Path],
    *,
    method: str = "gradcam",
    target: str | Sequence[str] | None = None,
    against: str | Sequence[str] | None = None,
    layer: str | Sequence[str] | None = None,
    backbone: str | None = None,
    flips: bool | None = None,
    smooth: int = 0,
    batch_size: int = 16,
    progress: bool | None = None,
) -> Explanation:
    """Map the parts of each scan that speak for a class.

    It works on a copy of the classifier, frozen or not, whatever the architecture: every backbone hands its last map
    over as (channels, height, width). What is predicted is what ``predict`` says.

    Args:
        classifier: whose decision is explained; it isn't changed.
        scans: a dataset, a uint8 array (n, height, width[, 1 or 3]), a path or a list of paths.
        method: a name in ``octlib.explanation.METHODS``: ``"gradcam"`` (Selvaraju et al. 2017, section 3), other class
            activation maps such as ``"elementwisecam"``, which points better and hardly tells classes apart, or, with
            ``pip install 'octlib[explain]'``, those of torchcam, ``"occlusion"`` and ``"integrated_gradients"``. The
            guide to explanations compares them.
        target: the class to explain, or one for each scan; ``None`` is the predicted class of each.
        against: a class, or one for each scan, that the target is to be told from: why this and not that. What is
            explained then is the difference of both logits (Prabhushankar et al. 2020, "Contrastive Explanations in
            Neural Networks"). Where it is the predicted class itself, the map is constant.
        layer: timm's name of a layer, such as ``"layer3"`` of a ResNet, or ``"last map"``, which the backbone pools; or
            several, whose maps are averaged. ``None`` is what suits the method: the last map, and for
            ``"elementwisecam"`` the deepest one with a cell for every 16 x 16 pixels.
        backbone: which of several to ask, by its name in ``classifier.backbone_names``. ``None`` asks all: their maps
            are averaged, each weighted by what the scan makes its features add to the logit of the class, beyond what
            they add to the mean of all logits, and beyond an even scan of the same brightness (a baseline, as in
            Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", section 3).
        flips: predict from each scan and its mirror image, and give the mean of both maps, the second one mirrored
            back; ``None`` is what ``classifier.postprocessing`` says.
        smooth: average the maps of so many copies of each scan with noise of a tenth of its range (Smilkov et al. 2017,
            "SmoothGrad"), which takes as many times longer; 0 takes the scan as it is.
        batch_size: scans in memory at a time, from 1 on.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        The maps, with what they are of.

    Warns:
        ConstantMapWarning: if maps are constant, once, with their numbers.

    Raises:
        TypeError: if ``classifier`` is none, a class is no name, or ``scans`` is no source of ``load_oct_dataset``.
        UnreadableScanError: if some scans can't be read; the text names them all.
        ExplanationError: if a layer is named, but not of which of several backbones.
        MissingPackageError: if the method needs ``octlib[explain]``.
        ValueError: if a method, class, layer or backbone is unknown, a class is to be told from itself, a method takes
            no layer, there are no scans, or ``batch_size`` is below 1 or ``smooth`` below 0.

    Example:
        >>> import octlib
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> maps = octlib.explain(classifier, octlib.load_oct_dataset("phantoms").sample(2), target="DRUSEN")
        >>> maps.heatmaps.shape, maps.targets
        ((2, 64, 64), ('DRUSEN', 'DRUSEN'))
    """
    require_classifier(classifier)
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    layers = _find_layers(layer)
    if method in OF_THE_SCAN:
        refuse_layer(method, layers[0] if layers else None)
    _check_backbone(classifier.backbone_names, backbone, layers)
    smooth = as_whole("smooth", smooth, minimum=0)
    scans = as_dataset(scans)
    if len(scans) == 0:
        raise ValueError("There are no scans to explain.")
    wanted = _find_classes("target", target, len(scans), classifier.class_names)
    others = _find_classes("against", against, len(scans), classifier.class_names)
    _check_contrast(wanted, others, classifier.class_names)
    postprocessing = classifier.postprocessing.with_flips(flips)
    batches = scans.batches(classifier.preprocessing, batch_size)
    asking = Asking(classifier.to_torch(), backbone, METHODS[method], layers, smooth, postprocessing)
    starts = progress_bar(range(0, len(scans), batch_size), title="explanation", show=progress)
    results = []
    for start, images in zip(starts, batches, strict=True):
        part = slice(start, start + batch_size)
        results.append(asking.of_batch(images, wanted[part], None if against is None else others[part]))
    heatmaps, explained, predicted = (np.concatenate(parts) for parts in zip(*results, strict=True))
    explanation = Explanation(
        heatmaps=heatmaps,
        targets=tuple(classifier.class_names[index] for index in explained),
        predicted=tuple(classifier.class_names[index] for index in predicted),
        scans=scans,
        method=method,
        layer=layers[0] if len(layers) == 1 else layers or None,
        backbone=backbone,
        against=None if against is None else tuple(classifier.class_names[index] for index in others),
        smooth=smooth,
        flips=postprocessing.flips,
        preprocessing=classifier.preprocessing,
        places=() if method in OF_THE_SCAN else asking.describe_places(),
    )
    _warn_of_constants(explanation)
    return explanation


def _find_layers(layer: str | Sequence[str] | None) -> tuple[str, ...]:
    names: Any = () if layer is None else (layer,) if isinstance(layer, str) else layer
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"layer must be timm's name of a layer, or several such names, got {layer!r}.")
    if layer is not None and not names:
        raise ValueError("layer must name a layer or more, got none. Leave it out for what suits the method.")
    return tuple(names)


def _check_backbone(names: tuple[str, ...], backbone: str | None, layers: tuple[str, ...]) -> None:
    if backbone is not None and backbone not in names:
        raise unknown("backbone of this classifier", backbone, names)
    if {*layers} - {LAST} and backbone is None and len(names) > 1:
        raise ExplanationError(
            f"A layer belongs to one backbone, and this classifier has {len(names)}: {', '.join(names)}.",
            "Name one with backbone=, or leave layer out.",
        )


def _find_classes(argument: str, given: str | Sequence[str] | None, n: int, class_names: tuple[str, ...]) -> np.ndarray:
    """Return class indices, int (n,); -1 where none is given."""
    if given is None:
        return np.full(n, -1)
    names: Any = [given] * n if isinstance(given, str) else given
    if not isinstance(names, Sequence | np.ndarray) or not all(isinstance(name, str) for name in names):
        raise TypeError(
            f"{argument} must be the name of a class, or one for each scan, got {given!r}. Classes: "
            f"{', '.join(class_names)}."
        )
    if len(names) != n:
        raise ValueError(f"{argument} must be one class, or one for each of the {n} scans, got {len(names)}.")
    for name in names:
        if name not in class_names:
            raise unknown("class", name, class_names)
    return np.array([class_names.index(name) for name in names])


def _check_contrast(wanted: np.ndarray, others: np.ndarray, class_names: tuple[str, ...]) -> None:
    same = np.flatnonzero((wanted == others) & (others >= 0))
    if len(same):
        raise ValueError(
            f"A class can't be told from itself: target and against are both {class_names[wanted[same[0]]]!r} (scan "
            f"{same[0]}). Choose another class for one of them."
        )


def _warn_of_constants(explanation: Explanation) -> None:
    constant = np.flatnonzero(~explanation.has_signal)
    if len(constant):
        warnings.warn(
            f"{len(constant)} of {len(explanation.heatmaps)} maps are constant and show nothing (scans "
            f"{', '.join(map(str, constant[:8]))}{', ...' if len(constant) > 8 else ''}): no part of these scans "
            "speaks for the class. Another method, target or layer may have more to say.",
            ConstantMapWarning,
            stacklevel=3,
        )
