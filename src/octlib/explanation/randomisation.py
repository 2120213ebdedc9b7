"""Randomisation: whether maps depend on what the classifier has learned, or on the scan alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib._checks import as_seed, as_whole
from octlib._progress import progress as progress_bar
from octlib.data import OctDataset, as_dataset
from octlib.errors import ConstantMapWarning
from octlib.explanation.explain import explain
from octlib.explanation.measures import MapMeasures, describe_maps, show
from octlib.explanation.ranks import rank_correlations
from octlib.explanation.result import Explanation
from octlib.models import OctClassifier
from octlib.models.classifier import require_classifier
from octlib.models.state import load_state_dict, take_state

if TYPE_CHECKING:
    import pandas as pd

ALIKE = 0.5  # rank correlation: maps that are more alike haven't taken notice
HEAD = "head"
ALL = "all"


@dataclass(frozen=True, eq=False, repr=False)
class RandomisationTest(MapMeasures):
    """What ``randomisation_test`` returns: how alike maps stay when the weights are drawn anew.

    Attributes:
        stages: mean similarity after each step, by what was drawn anew up to there: ``"all"`` alone, or from the head
            through the stages of the backbone, the last one first, to ``"all"``.
        constant: how many maps of the classifier with random weights have no signal; they count as unlike.
    """

    stages: dict[str, float]
    constant: int

    @property
    def similarity(self) -> float:
        """Mean rank correlation, in [-1, 1], of the maps before and after all weights are drawn anew."""
        return self.values["similarity"]

    @property
    def passed(self) -> bool:
        """Whether the similarity fell below 0.5; false where no map had a signal."""
        return bool(self.similarity < ALIKE)

    def _summary(self) -> str:
        if not self.n_maps:
            return f"Randomisation test failed: no map {self.about} has a signal"
        verdict = "passed" if self.passed else "failed: the maps hardly depend on the weights"
        return f"Randomisation test {verdict}. {super()._summary()}"

    def _meanings(self) -> list[str]:
        steps = ", ".join(f"{name} {show(value)}" for name, value in self.stages.items())
        gone = [f"{self.constant} maps without a signal after it count as 0."] if self.constant else []
        return [*super()._meanings(), *([f"step by step: {steps}."] if len(self.stages) > 1 else []), *gone]


def randomisation_test(
    classifier: OctClassifier,
    scans: OctDataset | np.ndarray | str | Path | Sequence[str | Path],
    *,
    method: str = "gradcam",
    target: str | Sequence[str] | None = None,
    layer: str | None = None,
    cascade: bool = False,
    draws: int = 3,
    batch_size: int = 16,
    seed: int = 0,
    progress: bool | None = None,
) -> RandomisationTest:
    """Test whether maps change when the classifier forgets what it has learned.

    After Adebayo et al. 2018, "Sanity checks for saliency maps", section 3: a method whose maps stay what they were
    shows edges of the scan, not reasons of the classifier. Weights are drawn anew from their own values: those of one
    filter, or of one class of the head, change places, so that activations keep their size. Normalisations stay.
    Similarity is the rank correlation of a map before and after, for the same class; the test is passed where its mean
    falls below 0.5. To pass proves little; to fail says that a method shouldn't be trusted.

    Args:
        classifier: whose maps are tested; it isn't changed.
        scans: as for ``octlib.explain``; one or two dozen are enough.
        method: one of ``octlib.explanation.METHODS``.
        target: as for ``octlib.explain``.
        layer: likewise.
        cascade: go step by step, from the head through the stages of the backbone, the last one first; else all at
            once, which takes an explanation of the scans for each draw, and with steps as many as there are stages.
        draws: how often weights are drawn, from 1 on; the similarity is the mean.
        batch_size: scans in memory at a time, from 1 on.
        seed: of the weights.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        The similarity with its interval over patients, and whether the test was passed.

    Raises:
        TypeError: as ``octlib.explain``.
        UnreadableScanError: if some scans can't be read.
        ValueError: as ``octlib.explain``, or if ``draws`` is below 1.

    Example:
        >>> import octlib
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> scans = octlib.load_oct_dataset("phantoms").sample(2)
        >>> list(randomisation_test(classifier, scans, target="CNV", draws=1, cascade=True).stages)[:2]
        ['head', 'stage 5']
    """
    require_classifier(classifier)
    draws, seed = as_whole("draws", draws), as_seed(seed)
    scans = as_dataset(scans)
    settings: dict[str, Any] = {"method": method, "layer": layer, "batch_size": batch_size, "progress": False}

    def explained(which: OctClassifier, target: Any) -> Explanation:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConstantMapWarning)  # which are counted
            return explain(which, scans, target=target, **settings)

    before = explained(classifier, target)
    trained = take_state(classifier)
    steps = _steps(classifier, trained, cascade=cascade)
    similar, constant = _randomised(classifier, trained, before, steps, explained, (draws, seed), progress)
    chosen = np.flatnonzero(before.has_signal)
    means = similar[:, chosen].mean(axis=1) if len(chosen) else np.full(len(steps), np.nan)
    return RandomisationTest(
        _tabulate(before, chosen, similar[-1]),
        {"similarity": f"rank correlation before and after; the test asks for less than {ALIKE}"},
        f"by {method} at the {before.place}, weights drawn {draws} times",
        dict(zip(steps, means.tolist(), strict=True)),
        constant,
    )


def _tabulate(before: Explanation, chosen: np.ndarray, similarity: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(describe_maps(before, chosen.tolist()) | {"similarity": similarity[chosen]})


def _randomised(
    classifier: OctClassifier,
    trained: Mapping[str, np.ndarray],
    before: Explanation,
    steps: dict[str, list[str]],
    explained: Callable[[OctClassifier, Any], Explanation],
    drawn: tuple[int, int],
    progress: bool | None,
) -> tuple[np.ndarray, int]:
    """Return each map's similarity after each step, float (steps, n), and how many maps are constant in the end."""
    draws, seed = drawn
    other = OctClassifier.from_config(classifier.get_config())
    similar = np.zeros((draws, len(steps), len(before.targets)))
    rounds = [(draw, step) for draw in range(draws) for step in range(len(steps))]
    names, constant = list(steps.values()), 0
    for draw, step in progress_bar(rounds, title="randomisation", show=progress):
        if step == 0:
            rng, state = np.random.default_rng([seed, draw]), dict(trained)
        state |= {name: _shuffled(trained[name], rng) for name in names[step]}
        load_state_dict(other, state)
        after = explained(other, before.targets)
        similar[draw, step] = rank_correlations(before.heatmaps, after.heatmaps)
        constant += int((~after.has_signal).sum()) if step == len(steps) - 1 else 0
    return similar.mean(axis=0), constant


def _steps(classifier: OctClassifier, trained: Mapping[str, np.ndarray], *, cascade: bool) -> dict[str, list[str]]:
    """Name the weights that are drawn anew in each step, by what is random after it."""
    if not cascade:
        return {ALL: list(trained)}
    places, head = classifier.backbone.places, classifier.backbone.spec.classifier
    n = 1 + max(places.values())
    steps = {HEAD: [f"{head}.weight", f"{head}.bias"]}
    for place in range(n - 1):
        steps[f"stage {n - place}"] = [name for name, later in places.items() if later == place]
    # What no stage has, such as the weights that LoRA leaves alone, comes with the first stage.
    done = {name for names in steps.values() for name in names}
    return steps | {ALL: [name for name in trained if name not in done]}


def _shuffled(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Let the weights of each filter change places; what has one number a channel stays, and so do indices."""
    if weights.ndim < 2 or weights.dtype.kind != "f":
        return weights
    rows = weights.reshape(len(weights), -1)
    return rng.permuted(rows, axis=1).reshape(weights.shape)
