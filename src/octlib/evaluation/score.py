"""Score: any model's probabilities, held against the truth."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from octlib.data import as_patients
from octlib.errors import UndefinedMetricWarning, UnknownPatientsWarning
from octlib.evaluation.checks import check_probabilities, check_settings, check_truth
from octlib.evaluation.figures import lock, measure_figures
from octlib.evaluation.result import Evaluation

if TYPE_CHECKING:
    import pandas as pd

    from octlib.data.patients import Patients


def score(
    truth: np.ndarray | Sequence[int],
    probabilities: np.ndarray,
    patients: Patients | None,
    class_names: Sequence[str],
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Evaluation:
    """Evaluate the probabilities that any model gave, with an interval for every metric.

    The metrics are scikit-learn's; the intervals come from 1,000 bootstrap resamples of patients, each with all scans
    of theirs, and are corrected for bias, skewness and few patients (BCa: Efron & Tibshirani, An Introduction to the
    Bootstrap, 1993, ch. 14; Hesterberg, The American Statistician 69, 2015, section 5.3), for which patients are left
    out one at a time or, beyond 200, in 200 bundles. A resample in which a metric is undefined, since it holds no scan
    of the class, is left out for that metric. The order of the scans changes nothing.

    A value of exactly 0 or 1 is so in every resample, since none can hold what never happened. Where it is a share
    (accuracy, sensitivity, specificity, PPV, NPV), its interval is Clopper-Pearson's for the effective number of
    patients: (sum m)^2 / (sum m^2), if the share is one of m scans of each (Clopper & Pearson, Biometrika 26, 1934;
    Kish, Survey Sampling, 1965). Every other metric, such as F1, keeps an interval without width, which is no
    certainty. Intervals from fewer than some twenty patients are rough, and some of them too narrow.

    Args:
        truth: int (n,), for each scan the index of its class in ``class_names``.
        probabilities: float (n, classes) in [0, 1], rows that sum to 1; the largest of a row is the prediction (the
            first, of equal ones).
        patients: (n,) names or numbers, None where unknown. A scan without a patient counts as a patient of its own,
            with a warning; where all are unknown, or ``patients`` is None, scans are resampled.
        class_names: what the columns of ``probabilities`` stand for.
        confidence: of the intervals, in (0, 1).
        seed: of the bootstrap, from 0 to 2**32 - 1.

    Returns:
        The evaluation, with NaN for what is undefined: see ``Evaluation``.

    Warns:
        UndefinedMetricWarning: if no scan is of a class, once for all such classes; if there is one patient alone,
            which gives no intervals.
        UnknownPatientsWarning: if patients are unknown, once, with their number.

    Raises:
        ValueError: if an argument is out of its range, or the lengths differ.

    Example:
        >>> import numpy as np
        >>> probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]])
        >>> result = score([0, 0, 1, 1], probabilities, ["p1", "p2", "p2", "p3"], ["CNV", "NORMAL"])
        >>> result.accuracy
        0.75
        >>> result.recall
        {'CNV': 1.0, 'NORMAL': 0.5}
        >>> result.confusion_matrix
        array([[2, 0],
               [1, 1]])
        >>> result
        Evaluation of 4 scans of 3 patients; 95 % intervals over patients
        accuracy           0.750 [0.000, 1.000]
        balanced accuracy  0.750 [0.000, 1.000]
        macro F1           0.733 [0.000, 1.000]
        F1 CNV             0.800 [0.500, 1.000]
        F1 NORMAL          0.667 [0.000, 1.000]
        For research, not a medical device.
    """
    return measure(truth, probabilities, patients, class_names, confidence=confidence, seed=seed)


def measure(
    truth: np.ndarray | Sequence[int],
    probabilities: np.ndarray,
    patients: Patients | None,
    class_names: Sequence[str],
    *,
    confidence: float,
    seed: int,
    scans: pd.DataFrame | None = None,
    level: str = "scan",
    strongest: np.ndarray | None = None,
) -> Evaluation:
    """Do the work of ``score`` and ``evaluate``, whose callers its warnings point at.

    Args:
        truth: int (n,).
        probabilities: float (n, classes), rows that sum to 1.
        patients: (n,) names, numbers or None.
        class_names: what the columns stand for.
        confidence: of the intervals, in (0, 1).
        seed: of the bootstrap.
        scans: a row for each scan, with what is known of it; None where that is label and patient alone.
        level: what a scan is here: one, or the volume, eye or patient that several were gathered to.
        strongest: int (n,), as of ``Evaluation``; None where each is one scan.

    Returns:
        The evaluation.

    Raises:
        ValueError: if an argument is out of its range, or the lengths differ.
    """
    check_settings(confidence, seed)
    names = tuple(class_names)
    kept = np.array(probabilities)
    probabilities = check_probabilities(kept, names)
    truth = check_truth(truth, len(probabilities), names)
    people = np.array([None] * len(truth) if patients is None else as_patients(patients, len(truth)), dtype=object)
    figures = measure_figures(truth, probabilities, people, names, confidence=confidence, seed=seed, level=level)
    _warn_of_absent(figures.confusion_matrix, names, level)
    _warn_of_unknown(people, level)
    _warn_of_one(figures.resampled, len(truth) if figures.n_patients is None else figures.n_patients)
    return Evaluation(
        **figures._asdict(),
        class_names=names,
        confidence=confidence,
        probabilities=lock(kept if kept.dtype.kind == "f" else probabilities),
        truth=lock(truth),
        scans=_tabulate(truth, names, None if patients is None else people) if scans is None else scans,
        level=level,
        strongest=lock(np.arange(len(truth)) if strongest is None else strongest),
        seed=seed,
    )


def _warn_of_absent(counts: np.ndarray, names: tuple[str, ...], level: str) -> None:
    absent = [name for name, support in zip(names, counts.sum(axis=1), strict=True) if not support]
    if absent:
        message = (
            f"No {level} is of class {', '.join(absent)}: its F1 and what else needs one are NaN; means leave it out."
        )
        warnings.warn(message, UndefinedMetricWarning, stacklevel=4)


def _warn_of_unknown(patients: np.ndarray, level: str) -> None:
    unknown = sum(each is None for each in patients)
    if not unknown:
        return
    message = (
        f"Patients are unknown: intervals are bootstrapped over {level}s, and too narrow if patients have several."
    )
    if unknown < len(patients):
        message = (
            f"{unknown:,} of {len(patients):,} {level}s have no patient. Each counts as a patient of its own, so that "
            "intervals are too narrow if some are of one patient."
        )
    warnings.warn(message, UnknownPatientsWarning, stacklevel=4)


def _warn_of_one(unit: str, n_groups: int) -> None:
    if n_groups == 1:
        message = f"There is one {unit} alone: intervals need several, and are NaN."
        warnings.warn(message, UndefinedMetricWarning, stacklevel=4)


def _tabulate(truth: np.ndarray, names: tuple[str, ...], patients: np.ndarray | None) -> pd.DataFrame:
    import pandas as pd

    columns = {"label": np.array(names, dtype=object)[truth]}
    return pd.DataFrame(columns if patients is None else {**columns, "patient": patients})
