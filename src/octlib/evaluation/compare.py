"""Compare: classifiers on the same scans, pair by pair."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib._bootstrap import percentile_interval
from octlib.data import as_dataset
from octlib.evaluation.checks import check_settings
from octlib.evaluation.comparison import Comparison, Pair, PairedTest
from octlib.evaluation.delong import compare_aurocs
from octlib.evaluation.evaluate import evaluate
from octlib.evaluation.figures import lock, measure_figures
from octlib.evaluation.holm import correct_by_holm
from octlib.evaluation.intervals import RESAMPLES, resample_metrics
from octlib.evaluation.judged import patients_of
from octlib.evaluation.mcnemar import compare_hits
from octlib.evaluation.metrics import METRICS, Interval
from octlib.evaluation.resamples import GroupedScans, number_patients
from octlib.evaluation.sameness import require_same_classes, require_same_scans

if TYPE_CHECKING:
    from octlib.data import OctDataset
    from octlib.data.loading import Source
    from octlib.evaluation.result import Evaluation
    from octlib.models import OctClassifier


def compare(
    a: OctClassifier,
    b: OctClassifier,
    scans: OctDataset | Source,
    *,
    others: Sequence[OctClassifier] = (),
    names: Sequence[str] | None = None,
    cache: bool | str = True,
    flips: bool | None = None,
    batch_size: int = 32,
    level: str = "scan",
    confidence: float = 0.95,
    seed: int = 0,
    progress: bool | None = None,
) -> Comparison:
    """Compare classifiers on the same labelled scans: every metric's difference with an interval, and tests.

    What is compared and how: see ``octlib.evaluation.compare_evaluations``.

    Args:
        a: a classifier, from ``build_classifier`` or ``load_classifier``.
        b: another one, of the same classes in any order.
        scans: a dataset or a path, with labels; patients too, or scans count as independent. Neither classifier may
            have been trained or chosen on them.
        others: further classifiers.
        names: of all classifiers, in this order; "A", "B" and so on where absent.
        cache: as for ``octlib.evaluate``, like all arguments from here on.
        flips: average over each scan and its mirror image; ``None`` is what each classifier says itself.
        batch_size: scans in memory at a time, from 1 on.
        level: what is judged, ``"scan"``, ``"volume"``, ``"eye"`` or ``"patient"``.
        confidence: of the intervals, in (0, 1).
        seed: of the bootstrap, from 0 to 2**32 - 1.
        progress: show a bar for each classifier; ``None`` shows them where somebody can watch.

    Returns:
        The comparison.

    Warns:
        UndefinedMetricWarning: as ``octlib.evaluate``, once for all classifiers.
        UnknownPatientsWarning: likewise.

    Raises:
        TypeError: as ``octlib.evaluate``.
        UnmatchedClassesError: likewise.
        LevelError: likewise.
        UnreadableScanError: likewise.
        ValueError: if the classifiers have different classes, names don't fit, or as ``octlib.evaluate``.

    Example:
        >>> import octlib
        >>> a, b = (octlib.build_classifier("test_resnet", weights=None, image_size=32, seed=seed) for seed in (0, 1))
        >>> comparison = octlib.compare(a, b, octlib.load_oct_dataset("phantoms").sample(40), names=["a", "b"])
        >>> pair = comparison.pairs["a", "b"]
        >>> low, high = pair.intervals["accuracy"]
        >>> low <= pair.differences["accuracy"] <= high, 0 <= pair.mcnemar.p <= 1
        (True, True)
    """
    from octlib.models.classifier import require_classifier

    classifiers = (a, b, *others)
    for classifier in classifiers:
        require_classifier(classifier)
    chosen = _choose_names(names, len(classifiers))
    require_same_classes({name: each.class_names for name, each in zip(chosen, classifiers, strict=True)})
    dataset = as_dataset(scans)
    options: dict[str, Any] = {
        "cache": cache,
        "flips": flips,
        "batch_size": batch_size,
        "level": level,
        "progress": progress,
    }
    with warnings.catch_warnings(record=True) as caught:
        evaluations = {
            name: evaluate(each, dataset, confidence=confidence, seed=seed, **options)
            for name, each in zip(chosen, classifiers, strict=True)
        }
    for warning in {(each.category, str(each.message)): each for each in caught}.values():
        warnings.warn(warning.message, stacklevel=2)
    return compare_evaluations(evaluations, confidence=confidence, seed=seed)


def compare_evaluations(
    evaluations: Mapping[str, Evaluation], *, confidence: float = 0.95, seed: int = 0
) -> Comparison:
    """Compare what evaluations hold, of octlib's classifiers or of any model that ``score`` was given.

    Intervals are percentiles of the differences over 1,000 bootstrap resamples of patients, the same for all
    classifiers, and wider where patients are few (expanded percentiles: Hesterberg, The American Statistician 69, 2015,
    section 5.3); a resample in which a metric is undefined for one of them is left out for that metric. McNemar's test
    of the accuracies and DeLong's of the AUROCs take the scans of one patient together (``octlib.evaluation.mcnemar``
    and ``octlib.evaluation.delong`` say how), and are the usual ones where every patient has one scan. They and the
    intervals are approximate in ways of their own, so that where there is little to go by one may see a difference and
    the other none. A scan without a patient counts as a patient of its own.

    ``p_holm`` is corrected by Holm's method, each kind of test being a family: McNemar's over all pairs, DeLong's over
    all pairs and classes (two classes count as one, for their AUROCs are the same). With two classifiers there is one
    test of McNemar's, and nothing to correct.

    Args:
        evaluations: two or more by name, of the same scans in the same order, at the same level; classes may stand in
            another order.
        confidence: of the intervals, in (0, 1).
        seed: of the bootstrap, from 0 to 2**32 - 1.

    Returns:
        The comparison, of all pairs.

    Raises:
        ValueError: if there are fewer than two, an argument is out of its range, or they are of different scans,
            levels or classes; the text says what differs.

    Example:
        >>> from octlib.evaluation import score
        >>> truth, patients = np.arange(60) % 2, np.arange(60) // 3
        >>> noise = np.random.default_rng(0).uniform(-1, 1, (2, 60))
        >>> sure = np.clip(0.5 + (truth - 0.5) * 0.6 + noise * [[0.5], [0.8]], 0, 1)
        >>> good, poor = (score(truth, np.stack([1 - p, p], axis=1), patients, ["CNV", "NORMAL"]) for p in sure)
        >>> compare_evaluations({"good": good, "poor": poor})
        Comparison of good and poor on 60 scans of 20 patients
                           good   poor   good - poor              p
        accuracy           0.750  0.700  +0.050 [-0.150, +0.250]  0.716
        balanced accuracy  0.750  0.700  +0.050 [-0.150, +0.246]
        macro F1           0.750  0.699  +0.051 [-0.150, +0.251]
        F1 CNV             0.754  0.679  +0.076 [-0.143, +0.289]
        F1 NORMAL          0.746  0.719  +0.027 [-0.151, +0.218]
        AUROC CNV          0.882  0.833  +0.049 [-0.097, +0.211]  0.477
        AUROC NORMAL       0.882  0.833  +0.049 [-0.097, +0.211]  0.477
        p: accuracy by McNemar's test, AUROCs by DeLong's, over patients, corrected by Holm (1 and 1 tests).
        Intervals of 95 %, bootstrapped over patients.
        For research, not a medical device.
    """
    check_settings(confidence, seed)
    if len(evaluations) < 2:
        raise ValueError(f"A comparison needs two evaluations or more, got {len(evaluations)}.")
    require_same_classes({name: each.class_names for name, each in evaluations.items()})
    first = next(iter(evaluations))
    for name, evaluation in evaluations.items():
        require_same_scans(first, evaluations[first], name, evaluation)
    reference = evaluations[first]
    # Ties and kappas with quadratic weights depend on the order of the classes.
    evaluations = {name: _in_order(each, reference.class_names) for name, each in evaluations.items()}
    patients = patients_of(reference)
    content = np.hstack([reference.truth[:, None], *(each.probabilities for each in evaluations.values())])
    groups = number_patients(patients, content)
    resampled = {name: _resample(each, groups, seed) for name, each in evaluations.items()}
    pairs = list(combinations(evaluations, 2))
    hits = {name: each.probabilities.argmax(axis=1) == each.truth for name, each in evaluations.items()}
    mcnemar = _correct([compare_hits(hits[one], hits[other], groups) for one, other in pairs])
    # Of two classes, one is told from the other as well as the other from the one: that is one test.
    tested = reference.class_names[:1] if len(reference.class_names) == 2 else reference.class_names
    delong = _correct(
        [
            compare_aurocs(*_sides(evaluations[one], evaluations[other], name), groups)
            for one, other in pairs
            for name in tested
        ]
    )
    return Comparison(
        names=tuple(evaluations),
        pairs={
            (one, other): Pair(
                first=one,
                second=other,
                differences=_combine(operator.sub, evaluations[one].metrics, evaluations[other].metrics),
                intervals=_combine(_span(int(groups.max()) + 1, confidence), resampled[one], resampled[other]),
                only_first=int((hits[one] & ~hits[other]).sum()),
                only_second=int((hits[other] & ~hits[one]).sum()),
                mcnemar=mcnemar[number],
                delong={
                    name: delong[number * len(tested) + place % len(tested)]
                    for place, name in enumerate(reference.class_names)
                },
            )
            for number, (one, other) in enumerate(pairs)
        },
        metrics={name: each.metrics for name, each in evaluations.items()},
        class_names=reference.class_names,
        n_scans=reference.n_scans,
        n_patients=reference.n_patients,
        without_patient=sum(each is None for each in patients),
        confidence=confidence,
        resampled=reference.resampled,
        level=reference.level,
    )


def _correct(tests: list[tuple[float, float]]) -> list[PairedTest]:
    corrected = correct_by_holm(np.array([p for _, p in tests]))
    return [PairedTest(statistic, p, float(holm)) for (statistic, p), holm in zip(tests, corrected, strict=True)]


def _choose_names(names: Sequence[str] | None, n: int) -> tuple[str, ...]:
    if names is None:
        return tuple(chr(ord("A") + number) if n <= 26 else str(number + 1) for number in range(n))
    if len(names) != n or len(set(names)) != n or not all(names):
        raise ValueError(f"names must be {n} different ones, one for each classifier; got {names!r}.")
    return tuple(names)


def _in_order(evaluation: Evaluation, names: tuple[str, ...]) -> Evaluation:
    """Put the classes of an evaluation in another order."""
    if evaluation.class_names == names:
        return evaluation
    columns = [evaluation.class_names.index(name) for name in names]
    truth, probabilities = np.argsort(columns)[evaluation.truth], evaluation.probabilities[:, columns]
    figures = measure_figures(
        truth,
        probabilities.astype(float),
        patients_of(evaluation),
        names,
        confidence=evaluation.confidence,
        seed=evaluation.seed,
        level=evaluation.level,
    )
    return replace(
        evaluation,
        **figures._asdict(),
        truth=lock(truth),
        probabilities=lock(probabilities),
        class_names=names,
    )


def _sides(one: Evaluation, other: Evaluation, class_name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    columns = [each.class_names.index(class_name) for each in (one, other)]
    scores = [each.probabilities[:, column] for each, column in zip((one, other), columns, strict=True)]
    return one.truth == columns[0], scores[0], scores[1]


def _resample(evaluation: Evaluation, groups: np.ndarray, seed: int) -> dict[str, Any]:
    """Compute each metric as ``resample_metrics``, by class where it is so; NaN with one group alone."""
    names = evaluation.class_names
    if not groups.max():
        values = {name: np.full((len(names), 1) if each.by_class else 1, np.nan) for name, each in METRICS.items()}
    else:
        scans = GroupedScans(evaluation.truth, np.asarray(evaluation.probabilities, dtype=float), groups)
        values = resample_metrics(scans, rng=np.random.default_rng(seed))  # the same draws for all classifiers
    return {
        name: dict(zip(names, each, strict=True)) if METRICS[name].by_class else each for name, each in values.items()
    }


def _combine(function: Callable[[Any, Any], Any], one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Apply a function to what two classifiers have for each metric and class."""
    return {
        name: _combine(function, value, other[name]) if isinstance(value, dict) else function(value, other[name])
        for name, value in one.items()
    }


def _span(n_groups: int, confidence: float) -> Callable[[np.ndarray, np.ndarray], Interval]:
    # Not BCa, which holds true differences less often: benchmarks/difference_coverage.py.
    def span(one: np.ndarray, other: np.ndarray) -> Interval:
        return percentile_interval((one - other)[-RESAMPLES:], n_groups, confidence)

    return span
