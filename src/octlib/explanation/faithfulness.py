"""Faithfulness: whether a map names the parts of a scan that the classifier's decision hangs on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from octlib._checks import as_seed, as_whole
from octlib._progress import progress as progress_bar
from octlib._suggest import unknown
from octlib.data import load_oct_dataset
from octlib.errors import ConstantMapWarning
from octlib.explanation.explain import explain
from octlib.explanation.measures import CHANCE, MapMeasures, describe_maps
from octlib.explanation.ranks import correlations, order_of, random_order
from octlib.explanation.result import Explanation
from octlib.models import OctClassifier, Postprocessing
from octlib.models.classifier import require_classifier
from octlib.preprocessing.resizing import lay_back

Probability = Callable[[torch.Tensor], torch.Tensor]

BLUR = 0.05  # of the scan's width: the standard deviation of what insertion starts from
REMOVED = (10, 20, 30)  # percent of the pixels that ROAD replaces
SHIFT = 0.01  # of the scan's width and height
DEFINITIONS = {
    "insertion": "mean probability of the class while pixels come back, the highest of the map first; more is better",
    "deletion": "mean probability of the class while pixels go, the highest of the map first; less is better",
    "road": "how much more the class loses by the map's highest pixels than by its lowest; more is better",
    "stability": "correlation of the map with that of the scan moved by a hundredth, moved back; more is better",
}


@dataclass(frozen=True, eq=False, repr=False)
class Faithfulness(MapMeasures):
    """What ``faithfulness`` returns: means of what was measured, beside chance.

    ``values``, ``chances`` and ``intervals`` have them by name, ``to_frame()`` by class too, ``maps`` for each map.

    Attributes:
        steps: of insertion and deletion.
    """

    steps: int = 10


def faithfulness(
    classifier: OctClassifier,
    explanation: Explanation,
    *,
    measures: Sequence[str] = tuple(DEFINITIONS),
    steps: int = 10,
    batch_size: int = 16,
    seed: int = 0,
    progress: bool | None = None,
) -> Faithfulness:
    """Measure whether the decision hangs on what the maps name, without knowing where lesions are.

    - ``"insertion"`` and ``"deletion"`` (Petsiuk et al. 2018, "RISE", section 4.2): the mean probability of the class
      explained while the map's pixels come back into the blurred scan, or go from the scan and leave its mean grey, the
      highest first. Chance is an order drawn at random, in patches of a sixteenth of the side.
    - ``"road"`` (Rong et al. 2022, "A consistent and efficient evaluation strategy for attribution methods", by
      pytorch-grad-cam): half the difference in the probability between removing the lowest and the highest pixels, 10,
      20 and 30 % of them, each replaced from its neighbours. Chance is 0.
    - ``"stability"``: the correlation of a map with that of the scan moved by a hundredth of its width or height,
      moved back; the mean of four directions, 0 where a map has no signal.

    All of it is about the classifier: a map can lie on the lesion and be unfaithful, or the other way round. A scan
    costs ``4 * steps`` passes for insertion and deletion with their chance, six for ROAD, and four explanations for
    stability; ROAD solves equations for each pixel that it replaces too, a few seconds a scan at 224 pixels.

    Args:
        classifier: the one that was explained; it isn't changed.
        explanation: its maps.
        measures: which of the four.
        steps: of insertion and deletion, from 2 on; more make finer curves, 10 to 20 are usual for a comparison.
        batch_size: scans that pass the network at a time, from 1 on.
        seed: of the orders that are drawn, and of ROAD's noise.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        The measures of all maps and by the class explained.

    Raises:
        TypeError: if ``classifier`` is none.
        UnreadableScanError: if some scans can't be read.
        ValueError: if a measure is unknown, there are fewer than two steps, the explanation is of a classifier with
            other classes or preprocessing, or its maps are against a class and other measures than stability are asked.

    Example:
        >>> import octlib
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> maps = octlib.explain(classifier, octlib.load_oct_dataset("phantoms").sample(2), target="DRUSEN")
        >>> sorted(faithfulness(classifier, maps, measures=("insertion", "deletion"), steps=4).values)
        ['deletion', 'insertion']
    """
    import pandas as pd

    require_classifier(classifier)
    measures, steps, seed = _check(measures), as_whole("steps", steps, minimum=2), as_seed(seed)
    batch_size = as_whole("batch_size", batch_size)
    strange = set(explanation.targets) - set(classifier.class_names)
    if strange or explanation.preprocessing != classifier.preprocessing:
        raise ValueError(
            "faithfulness must be given the classifier that was explained, and this one has other classes or prepares "
            "scans otherwise. Explain with it first: octlib.explain(classifier, scans)."
        )
    if explanation.against is not None and measures != ("stability",):
        raise ValueError(
            "The maps say why one class and not another, and insertion, deletion and ROAD measure the probability of "
            "one class alone. Pass measures=['stability'], or explain without against=."
        )
    module = classifier.to_torch().requires_grad_(False)
    images = explanation.scans.batches(classifier.preprocessing, 1)
    places = range(len(explanation.targets))
    rows = []
    for place, image in zip(progress_bar(places, title="faithfulness", show=progress), images, strict=True):
        index = classifier.class_names.index(explanation.targets[place])
        probability = _probability(module, index, classifier.postprocessing, batch_size)
        scan = torch.from_numpy(image).float().unsqueeze(1).to(module.backbone.mean.device)
        rng = np.random.default_rng([seed, place])
        rows.append(_measure(measures, probability, scan, explanation.heatmaps[place], steps, rng))
        if "stability" in measures:
            rows[-1]["stability"] = _stability(classifier, explanation, place, batch_size)
    wanted = {name: DEFINITIONS[name] for name in measures}
    columns = [each for name in wanted for each in (name, name + CHANCE) if each in rows[0]]
    maps = pd.DataFrame(describe_maps(explanation, places)).join(pd.DataFrame(rows)[columns])
    return Faithfulness(maps, wanted, f"by {explanation.method} at the {explanation.place}", steps)


def _measure(
    measures: Sequence[str],
    probability: Probability,
    scan: torch.Tensor,
    heatmap: np.ndarray,
    steps: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Measure what needs the network's probabilities of one scan, (1, 1, height, width)."""
    orders = {"": order_of(heatmap, rng), CHANCE: random_order(heatmap.shape, rng)}
    found: dict[str, float] = {}
    for name in ("insertion", "deletion"):
        if name in measures:
            found |= _curve_areas(name, probability, scan, orders, steps)
    if "road" in measures:
        found |= {"road": _road(probability, scan, orders[""], int(rng.integers(2**31))), "road" + CHANCE: 0.0}
    return found


def _check(measures: Sequence[str]) -> tuple[str, ...]:
    if isinstance(measures, str) or not len(measures):
        raise ValueError(f"measures must be a list of names, got {measures!r}. Write measures=['insertion'].")
    for name in measures:
        if name not in DEFINITIONS:
            raise unknown("measure", name, DEFINITIONS)
    return tuple(name for name in DEFINITIONS if name in measures)


def _probability(module: torch.nn.Module, index: int, postprocessing: Postprocessing, batch_size: int) -> Probability:
    """Give a function from scans, (n, 1, height, width), to the probabilities of a class, (n,)."""

    def compute(scans: torch.Tensor) -> torch.Tensor:
        views = [scans.flip(-1) if mirrored else scans for mirrored in postprocessing.views]
        with torch.inference_mode():
            seen = [torch.cat([module(part).softmax(1).cpu() for part in view.split(batch_size)]) for view in views]
        found: torch.Tensor = postprocessing.combine(seen)[:, index]
        return found

    return compute


def _curve_areas(
    name: str, probability: Probability, scan: torch.Tensor, orders: dict[str, np.ndarray], steps: int
) -> dict[str, float]:
    """Compute the area under the curve of insertion or deletion for each order, in [0, 1]."""
    first, last = _ends(name, scan)
    shares = torch.linspace(0, 1, steps + 1, device=scan.device)[1:-1, None, None, None]
    outer = probability(torch.cat([first, last])).mean()
    areas = {}
    for kind, order in orders.items():
        changed = torch.from_numpy(order).to(scan.device) < shares  # (steps - 1, 1, height, width)
        inner = probability(torch.where(changed, last, first))
        areas[name + kind] = float((inner.sum() + outer) / steps)  # by trapezia
    return areas


def _ends(name: str, scan: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give what insertion or deletion begins and ends with."""
    from scipy import ndimage

    if name == "deletion":
        return scan, scan.mean((2, 3), keepdim=True).expand_as(scan)
    sigma = BLUR * scan.shape[-1]
    blurred = ndimage.gaussian_filter(scan.cpu().numpy(), (0, 0, sigma, sigma), mode="nearest")
    return torch.from_numpy(blurred).to(scan.device), scan


def _road(probability: Probability, scan: torch.Tensor, order: np.ndarray, seed: int) -> float:
    """Compute ROAD by pytorch-grad-cam, which scales its noise to values in 0-1."""
    from pytorch_grad_cam.metrics.road import ROADCombined

    # Ranks in place of the map: where many pixels are equal, as where it is 0, a percentile would take them all.
    ranks = (1 - order).astype(np.float32)[None]
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it gives tensors to functions of NumPy
        torch.manual_seed(seed)
        road = ROADCombined([100 - share for share in REMOVED])
        return float(road(scan / 255, ranks, [lambda output: output], lambda seen: probability(255 * seen))[0])


def _stability(classifier: OctClassifier, explanation: Explanation, place: int, batch_size: int) -> float:
    """Correlate a map with those of the scan moved a little."""
    scan = explanation.scans[place].read()
    down, right = (max(round(SHIFT * side), 1) for side in scan.shape)
    steps = [(down, 0), (-down, 0), (0, right), (0, -right)]
    moved = [_move(scan, step) for step in steps]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantMapWarning)  # which are counted as 0
        other = explain(
            classifier,
            load_oct_dataset(moved),
            method=explanation.method,
            target=explanation.targets[place],
            layer=explanation.layer,
            backbone=explanation.backbone,
            against=None if explanation.against is None else explanation.against[place],
            smooth=explanation.smooth,
            flips=explanation.flips,
            batch_size=batch_size,
            progress=False,
        )
    laid = _lay(explanation, place, scan)
    pairs = [
        _overlap(laid, _lay(other, at, each), step) for at, (each, step) in enumerate(zip(moved, steps, strict=True))
    ]
    return float(np.mean([correlations(first[None], second[None]) for first, second in pairs]))


def _lay(explanation: Explanation, place: int, scan: np.ndarray) -> np.ndarray:
    heatmap, preprocessing = explanation.heatmaps[place], explanation.preprocessing
    if preprocessing is None or not preprocessing.moves:
        return np.asarray(lay_back(heatmap, scan.shape))
    return np.asarray(preprocessing.lay_back(heatmap, scan))


def _move(scan: np.ndarray, step: tuple[int, ...]) -> np.ndarray:
    """Move a scan down and to the right, its border repeated where nothing is."""
    rows, columns = (np.clip(np.arange(side) - by, 0, side - 1) for side, by in zip(scan.shape, step, strict=True))
    return np.asarray(scan[np.ix_(rows, columns)])


def _overlap(first: np.ndarray, moved: np.ndarray, step: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Cut both maps to what both have seen."""
    here = tuple(slice(max(-by, 0), side - max(by, 0)) for side, by in zip(first.shape, step, strict=True))
    there = tuple(slice(max(by, 0), side - max(-by, 0)) for side, by in zip(first.shape, step, strict=True))
    return first[here], moved[there]
