"""Evaluate: a classifier on scans whose classes are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from octlib.data import as_dataset, match_labels
from octlib.evaluation.checks import check_settings
from octlib.evaluation.levels import check_level, group_scans
from octlib.evaluation.prediction import FAMILIARITY_COLUMNS, with_familiarity
from octlib.evaluation.score import measure

if TYPE_CHECKING:
    from octlib.data import OctDataset
    from octlib.data.loading import Source
    from octlib.evaluation.result import Evaluation
    from octlib.models import OctClassifier


def evaluate(
    classifier: OctClassifier,
    scans: OctDataset | Source,
    *,
    cache: bool | str = True,
    flips: bool | None = None,
    batch_size: int = 32,
    level: str = "scan",
    familiarity: bool = False,
    confidence: float = 0.95,
    seed: int = 0,
    progress: bool | None = None,
) -> Evaluation:
    """Evaluate a classifier on labelled scans, with an interval for every metric.

    Labels are matched to the classifier's classes by name. How the metrics and intervals come about: see ``score``,
    which does the same for the probabilities of any model.

    Args:
        classifier: from ``build_classifier`` or ``load_classifier``; it isn't changed.
        scans: a dataset or a path, with labels; patients too, if intervals are to be over patients.
        cache: keep the backbone's features on disk for later runs, ``"float16"`` in half the room; see
            ``octlib.features.extract_features``.
        flips: average over each scan and its mirror image; ``None`` is what ``classifier.postprocessing`` says.
        batch_size: scans in memory at a time, from 1 on.
        level: what is judged, ``"scan"``, ``"volume"``, ``"eye"`` (of a patient) or ``"patient"``. Probabilities of a
            level are the means over its scans, its label is the one that all of them share; intervals are over patients
            at every level.
        familiarity: also tell how far the scans are like those that were learned from, in the columns ``familiarity``
            and ``familiar`` of ``result.scans``; see ``octlib.predict``.
        confidence: of the intervals, in (0, 1).
        seed: of the bootstrap, from 0 to 2**32 - 1.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        The evaluation, which keeps names, patients and further columns of the scans; at another level, those that all
        scans of a group share.

    Warns:
        UndefinedMetricWarning: as in ``score``.
        UnknownPatientsWarning: as in ``score``.

    Raises:
        FamiliarityError: if familiarity is asked for and was not learned, or for other weights.
        TypeError: if ``classifier`` is none, or the scans are no source of ``load_oct_dataset``.
        UnmatchedClassesError: if a scan has no label, or one that is none of the classifier's classes.
        LevelError: if scans don't tell what they belong to at the level, or disagree about its label, or a position
            comes more than once in a volume, or the scans have columns ``n_scans`` or ``strongest``.
        UnreadableScanError: if some scans can't be read; the text names them all.
        ValueError: if there are no scans, or an argument is out of its range.

    Example:
        >>> import octlib
        >>> classifier = octlib.build_classifier("resnet18", weights=None, image_size=32)
        >>> result = octlib.evaluate(classifier, octlib.load_oct_dataset("phantoms").sample(40))
        >>> 0 <= result.accuracy <= 1
        True
        >>> result.resampled
        'patient'
    """
    # torch comes with it.
    from octlib.features import familiarity as measure_familiarity
    from octlib.features import predict_probabilities
    from octlib.features.familiarity import require_reference
    from octlib.models.classifier import require_classifier

    # Everything that can be wrong is found before the pass through the network, which can take an hour.
    require_classifier(classifier)
    check_settings(confidence, seed)
    check_level(level)
    dataset = as_dataset(scans)
    if not len(dataset):
        raise ValueError("evaluate needs at least one scan; the dataset is empty.")
    if familiarity:
        require_reference(classifier)
        _require_own_columns(dataset)
    names = tuple(classifier.class_names)
    truth = match_labels(dataset, names)
    groups = group_scans(dataset, level)
    patients, strongest = dataset.patients, np.arange(len(dataset))
    if groups is not None:
        groups.require_own_columns()
        truth, patients = groups.truth(truth, names), groups.patients
    probabilities = predict_probabilities(
        classifier, dataset, cache=cache, flips=flips, batch_size=batch_size, progress=progress
    )
    table = dataset.to_frame() if groups is None else groups.tabulate_all(probabilities)
    if familiarity:
        familiar = measure_familiarity(classifier, dataset, cache=cache, batch_size=batch_size, progress=progress)
        table = with_familiarity(table, familiar, groups)
    if groups is not None:
        strongest, probabilities = groups.strongest(probabilities), groups.mean(probabilities)
    return measure(
        truth,
        probabilities,
        patients,
        names,
        confidence=confidence,
        seed=seed,
        scans=table,
        level=level,
        strongest=strongest,
    )


def _require_own_columns(scans: OctDataset) -> None:
    taken = [name for name in FAMILIARITY_COLUMNS if name in scans.columns]
    if taken:
        raise ValueError(
            f"{' and '.join(FAMILIARITY_COLUMNS)} are columns of the evaluation's own with familiarity=True, and the "
            f"scans have {' and '.join(taken)} already. Rename them in the table that the scans are loaded from."
        )
