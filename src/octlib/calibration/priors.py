"""Priors: predictions for scans among which classes have other shares than in training."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib.data import as_dataset
from octlib.errors import CalibrationError, CalibrationWarning
from octlib.models.postprocessing import as_number

if TYPE_CHECKING:
    from octlib.data import OctDataset
    from octlib.data.loading import Source
    from octlib.models import OctClassifier

ESTIMATE = "estimate"
STEPS = 1000
SETTLED = 1e-7  # change of a share in a step
ROUNDED = 0.02  # by which shares may miss 1 in all, as those in whole percents do


def adjust_priors(
    classifier: OctClassifier,
    priors: Mapping[str, float] | str | None,
    *,
    scans: OctDataset | Source | None = None,
    trained_on: Mapping[str, float] | None = None,
    cache: bool | str = True,
    batch_size: int = 32,
    progress: bool | None = None,
) -> dict[str, float] | None:
    """Tell a classifier which share of the scans to come is of each class.

    A classifier expects classes as often as training has shown them; where they come otherwise, it is too ready to name
    some and too slow to name others, as a classifier trained in a clinic is in a screening. Every probability p of a
    class becomes p times its share to come over its share in training, divided by the sum of these. That is Bayes' rule
    if scans of each class look alike in both places (Saerens, Latinne and Decaestecker 2002, "Adjusting the Outputs of
    a Classifier to New a Priori Probabilities: A Simple Procedure", section 2.2). It goes into
    ``classifier.postprocessing``, which every verb of octlib uses and which is saved with the classifier; training
    drops it.

    Both need probabilities that can be taken at their word: call ``octlib.calibrate`` first.

    Args:
        classifier: its postprocessing is changed. Priors of an earlier call are replaced, not adjusted once more.
        priors: the share of each class, 0 or more and 1 in all; ``"estimate"`` finds the shares that explain the
            predictions for ``scans`` best, by expectation maximisation (section 2.3); ``None`` undoes an adjustment.
        scans: to estimate from, such as the scans that are to be predicted; labels aren't needed and not used.
        trained_on: the share of each class that training has taught to expect. ``None`` is what ``octlib.fit`` has
            noted in ``classifier.class_shares``: the shares of its scans, or equal ones where class weights or logit
            adjustment made the classes so, as by default.
        cache: keep the backbone's features on disk for later runs, as in ``octlib.predict``.
        batch_size: scans in memory at a time, from 1 on.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        The share of each class from now on, by name; ``None`` where there are no priors any more.

    Warns:
        CalibrationWarning: if prediction sets are dropped, whose coverage was for other probabilities; if the estimate
            has not settled.

    Raises:
        TypeError: if ``classifier`` is none, shares are no dictionary of numbers, or arguments don't go together.
        CalibrationError: if nobody knows what shares the classifier was trained on, or one of them is 0.
        UnreadableScanError: if some scans can't be read; the text names them all.
        ValueError: if shares are not of the classifier's classes, below 0, or not 1 in all; if there are no scans.

    Example:
        >>> import octlib
        >>> classifier = octlib.build_classifier("octlib", image_size=64)
        >>> _ = octlib.fit(classifier, octlib.load_oct_dataset("phantoms"), progress=False)
        >>> _ = octlib.adjust_priors(classifier, {"CNV": 0.02, "DME": 0.03, "DRUSEN": 0.15, "NORMAL": 0.8})
        >>> classifier.postprocessing.priors
        (0.02, 0.03, 0.15, 0.8)
        >>> octlib.adjust_priors(classifier, None)
    """
    # torch comes with it.
    from octlib.models.classifier import require_classifier

    require_classifier(classifier)
    names = tuple(classifier.class_names)
    _check_together(priors, scans, trained_on)
    plain = replace(classifier.postprocessing, trained_on=None, priors=None, coverage=None, least=None)
    changed = plain
    if priors is not None:
        believed = _believed(classifier, trained_on)
        if isinstance(priors, str):
            probabilities = _predicted(classifier, plain, scans, cache, batch_size, progress)
            shares = estimate_priors(probabilities, believed)
        else:
            shares = _as_tuple("priors", priors, names)
        changed = replace(plain, trained_on=believed, priors=shares)
    was, classifier.postprocessing = classifier.postprocessing, changed
    if was.coverage is not None:
        problem = f"The prediction sets for a coverage of {was.coverage:g} are dropped: they were for other priors."
        advice = "Find new ones on scans with the shares to come: octlib.calibrate(classifier, validation, coverage=)."
        warnings.warn(CalibrationWarning(problem, advice), stacklevel=2)
    return None if changed.priors is None else dict(zip(names, changed.priors, strict=True))


def estimate_priors(probabilities: np.ndarray, trained_on: tuple[float, ...]) -> tuple[float, ...]:
    """Estimate the share of each class among scans from what is predicted for them.

    Saerens, Latinne and Decaestecker 2002, section 2.3: expectation maximisation, whose likelihood has one summit.

    Args:
        probabilities: float (n, classes), for the shares of the training.
        trained_on: these, above 0.

    Returns:
        The shares; they sum to 1.

    Warns:
        CalibrationWarning: if they still move after 1,000 steps.

    Example:
        >>> sure = np.repeat([[1.0, 0.0], [0.0, 1.0]], [30, 10], axis=0)
        >>> estimate_priors(sure, (0.5, 0.5))
        (0.75, 0.25)
    """
    evidence = np.asarray(probabilities, dtype=np.float64) / trained_on
    shares = np.array(trained_on)
    for _ in range(STEPS):
        joint = evidence * shares
        new = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
        moved, shares = np.abs(new - shares).max(), new
        if moved < SETTLED:
            break
    else:
        problem = f"The estimated shares still move by {moved:.1g} after {STEPS:,} steps: the scans say little of them."
        warnings.warn(CalibrationWarning(problem, "State shares that you know."), stacklevel=3)
    return tuple((shares / shares.sum()).tolist())


def _check_together(priors: Any, scans: Any, trained_on: Any) -> None:
    if not (priors is None or isinstance(priors, Mapping) or (isinstance(priors, str) and priors == ESTIMATE)):
        raise TypeError(f"priors must be a share for each class, {ESTIMATE!r} or None, got {priors!r}.")
    if isinstance(priors, str) and scans is None:
        raise TypeError("priors='estimate' needs the scans to estimate from: scans=.")
    if not isinstance(priors, str) and scans is not None:
        raise TypeError(f"scans are for priors='estimate' alone, got priors={priors!r}. Leave them out.")
    if priors is None and trained_on is not None:
        raise TypeError("priors=None undoes an adjustment and needs no trained_on. Leave it out.")


def _believed(classifier: OctClassifier, trained_on: Mapping[str, float] | None) -> tuple[float, ...]:
    names = tuple(classifier.class_names)
    if trained_on is not None:
        shares = _as_tuple("trained_on", trained_on, names)
    else:
        noted = classifier.class_shares or classifier.postprocessing.trained_on
        if noted is None:
            raise CalibrationError(
                "Nobody knows which class shares the classifier was trained to expect: octlib.fit has not trained it "
                "to the end.",
                "Give them: trained_on={class: share}, equal ones if class weights made them so.",
            )
        shares = noted
    lacking = [name for name, share in zip(names, shares, strict=True) if share == 0]
    if lacking:
        raise CalibrationError(
            f"Every class must have a share in training, and {', '.join(lacking)} has none: nothing says what its "
            "probability would become.",
            "Train on scans of every class.",
        )
    return shares


def _as_tuple(name: str, given: Any, names: tuple[str, ...]) -> tuple[float, ...]:
    if not isinstance(given, Mapping):
        raise TypeError(f"{name} must be a dictionary of class and share, got {given!r}.")
    if set(given) != set(names):
        raise ValueError(f"{name} must have a share for each of {', '.join(names)}, got {dict(given)}.")
    shares = [as_number(f"{name}[{each!r}]", given[each]) for each in names]
    total = math.fsum(shares)
    if min(shares) < 0 or abs(total - 1) > ROUNDED:
        raise ValueError(f"{name} must be shares of 0 or more, and 1 in all; got {dict(given)} with the sum {total:g}.")
    return tuple(share / total for share in shares) if abs(total - 1) > 1e-9 else tuple(shares)


def _predicted(
    classifier: OctClassifier, plain: Any, scans: Any, cache: bool | str, batch_size: int, progress: bool | None
) -> np.ndarray:
    from octlib.features.prediction import predict_with

    dataset = as_dataset(scans)
    if not len(dataset):
        raise ValueError("adjust_priors needs at least one scan to estimate from; the dataset is empty.")
    return predict_with(classifier, dataset, plain, cache=cache, batch_size=batch_size, progress=progress)
