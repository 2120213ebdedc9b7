"""Prediction sets: how often they hold the true class, and how large they are."""

from __future__ import annotations

import html as markup
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib._bootstrap import bca_interval, bundle
from octlib.calibration.patients import number_patients
from octlib.data import as_dataset, match_labels
from octlib.errors import CalibrationError
from octlib.evaluation.caveats import FEW, find_exact
from octlib.evaluation.checks import check_settings
from octlib.evaluation.intervals import RESAMPLES
from octlib.evaluation.plain import as_plain_dict
from octlib.evaluation.rendering import NOTICE

if TYPE_CHECKING:
    import pandas as pd

    from octlib.data import OctDataset
    from octlib.data.loading import Source
    from octlib.models import OctClassifier

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False, repr=False)
class PredictionSets:
    """Sets of classes, held against the truth.

    Each patient counts once, however many scans there are of it, as in what the sets promise: a share is the mean over
    patients of each one's share of scans. What is of a class is over the patients who have scans of it; NaN where
    nobody has.

    Attributes:
        coverage: the share of patients that was asked for.
        covered: the share whose sets hold the true class.
        covered_by_class: the same, for the scans of each class.
        size: the mean number of classes in a set.
        empty: the share of sets without a class: nothing fits, and the classifier abstains.
        single: the share of sets with one class.
        intervals: for each of the figures, under its name, ``(low, high)`` or ``{class: (low, high)}``, bootstrapped
            over patients; NaN for one patient alone.
        sets: bool (n_scans, classes), read-only.
        truth: int64 (n_scans,), read-only: the index of each scan's class in ``class_names``.
        class_names: what the columns of ``sets`` stand for.
        n_patients: number of patients, a scan without one counting for itself.
        confidence: of the intervals, in (0, 1).
    """

    coverage: float
    covered: float
    covered_by_class: dict[str, float]
    size: float
    empty: float
    single: float
    intervals: dict[str, Any]
    sets: np.ndarray
    truth: np.ndarray
    class_names: tuple[str, ...]
    n_patients: int
    confidence: float

    @property
    def n_scans(self) -> int:
        """The number of scans."""
        return len(self.truth)

    def to_frame(self) -> pd.DataFrame:
        """Give the figures as a table.

        Returns:
            One row for each figure, and one for each class. Columns: metric, class (empty for all), value, low, high
            (float, NaN where undefined) and support (int, the scans that are of the class).
        """
        import pandas as pd

        return pd.DataFrame(self._rows(), columns=["metric", "class", "value", "low", "high", "support"])

    def to_dict(self) -> dict[str, Any]:
        """Give all figures in a form that JSON can hold, ``None`` for NaN; sets and truth are left out."""
        names = ("coverage", "covered", "covered_by_class", "size", "empty", "single", "intervals")
        counts = ("n_scans", "n_patients", "confidence")
        return {
            **as_plain_dict({name: getattr(self, name) for name in (*names, *counts)}),
            "class_names": list(self.class_names),
        }

    def _rows(self) -> list[tuple[Any, ...]]:
        support = np.bincount(self.truth, minlength=len(self.class_names)).tolist()
        whole = [
            (name, "", getattr(self, name), *self.intervals[name], self.n_scans)
            for name in ("covered", "size", "single", "empty")
        ]
        by_class = [
            ("covered", name, value, *self.intervals["covered_by_class"][name], scans)
            for (name, value), scans in zip(self.covered_by_class.items(), support, strict=True)
        ]
        return [*whole, *by_class]

    def _summary(self) -> str:
        return (
            f"{self.n_scans:,} scans of {self.n_patients:,} patients, each of whom counts once; asked for a coverage "
            f"of {self.coverage:g}; {100 * self.confidence:g} % intervals over patients"
        )

    def _shown(self) -> list[tuple[str, str]]:
        titles = {"covered": "covered", "size": "mean size", "single": "one class", "empty": "no class"}
        return [
            (f"{titles[metric]} {name}".strip(), _show(value, low, high))
            for metric, name, value, low, high, _ in self._rows()
        ]

    def __repr__(self) -> str:
        """Show the figures as a table of text."""
        shown = self._shown()
        width = max(len(title) for title, _ in shown)
        lines = [f"{title:<{width}}  {value}" for title, value in shown]
        return "\n".join([f"Prediction sets of {self._summary()}", *lines, *self._caveats(), NOTICE])

    def _caveats(self) -> list[str]:
        few = self.n_patients < FEW
        return [
            *([f"From as few as {self.n_patients} patients, intervals are rough."] if few else []),
            *find_exact([(row[0], math.nan, (row[3], row[4])) for row in self._rows()], "patient"),
        ]

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{markup.escape(title)}</th><td>{value}</td></tr>" for title, value in self._shown())
        return (
            f"<div><strong>Prediction sets</strong> of {markup.escape(self._summary())}<table>{rows}</table>"
            f"<small>{' '.join([*self._caveats(), NOTICE])}</small></div>"
        )


def prediction_sets(
    classifier: OctClassifier,
    scans: OctDataset | Source,
    *,
    cache: bool | str = True,
    batch_size: int = 32,
    confidence: float = 0.95,
    seed: int = 0,
    progress: bool | None = None,
) -> PredictionSets:
    """Predict sets of classes, and say how often they hold the true one and how large they are.

    Args:
        classifier: calibrated by ``octlib.calibrate`` with a coverage; it isn't changed.
        scans: labelled scans of patients that it was neither trained nor calibrated on.
        cache: keep the backbone's features on disk for later runs, as in ``octlib.predict``.
        batch_size: scans in memory at a time, from 1 on.
        confidence: of the intervals, in (0, 1).
        seed: of the bootstrap, from 0 to 2**32 - 1.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        The sets and their figures.

    Warns:
        UnknownPatientsWarning: if patients are unknown: each scan then counts as one of its own.

    Raises:
        TypeError: if ``classifier`` is none, or the scans are no source of ``load_oct_dataset``.
        CalibrationError: if the classifier has no sets.
        UnmatchedClassesError: if a scan has no label, or one that is none of the classifier's classes.
        UnreadableScanError: if some scans can't be read; the text names them all.
        ValueError: if there are no scans, or an argument is out of its range.

    Example:
        >>> import octlib
        >>> from octlib.models import Postprocessing
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> classifier.postprocessing = Postprocessing(coverage=0.9, least=0.2)
        >>> sets = octlib.prediction_sets(classifier, octlib.load_oct_dataset("phantoms").sample(8))
        >>> sets.sets.shape
        (8, 4)
    """
    # torch comes with it.
    from octlib.features import predict_probabilities
    from octlib.models.classifier import require_classifier

    require_classifier(classifier)
    check_settings(confidence, seed)
    coverage = classifier.postprocessing.coverage
    if coverage is None:
        raise CalibrationError(
            "The classifier must have prediction sets, and it has none.",
            "Find them first: octlib.calibrate(classifier, validation, coverage=0.9).",
        )
    dataset = as_dataset(scans)
    if not len(dataset):
        raise ValueError("prediction_sets needs at least one scan; the dataset is empty.")
    names = tuple(classifier.class_names)
    truth = match_labels(dataset, names)
    patients = number_patients(dataset, seed)
    probabilities = predict_probabilities(classifier, dataset, cache=cache, batch_size=batch_size, progress=progress)
    sets = classifier.postprocessing.sets(probabilities)
    return _judged(sets, truth, patients, names, coverage, confidence, np.random.default_rng(seed))


def _judged(
    sets: np.ndarray,
    truth: np.ndarray,
    patients: np.ndarray,
    names: tuple[str, ...],
    coverage: float,
    confidence: float,
    rng: np.random.Generator,
) -> PredictionSets:
    sums, counts = _by_patient(sets, truth, patients)
    values = _means(sums, counts, np.ones((1, len(sums))))[0].tolist()
    limits = _limits(sums, counts, confidence, rng)
    whole = ("covered", "size", "empty", "single")
    by_class = len(whole)
    sets.setflags(write=False)
    truth.setflags(write=False)
    return PredictionSets(
        coverage=coverage,
        **dict(zip(whole, values, strict=False)),
        covered_by_class=dict(zip(names, values[by_class:], strict=True)),
        intervals={
            **dict(zip(whole, limits, strict=False)),
            "covered_by_class": dict(zip(names, limits[by_class:], strict=True)),
        },
        sets=sets,
        truth=truth,
        class_names=names,
        n_patients=len(sums),
        confidence=confidence,
    )


def _by_patient(sets: np.ndarray, truth: np.ndarray, patients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average each figure over a patient's scans: float (patients, figures), and whether the patient has such scans."""
    hits = sets[np.arange(len(truth)), truth]
    sizes = sets.sum(axis=1)
    own = truth[:, None] == np.arange(sets.shape[1])
    everywhere = np.ones(len(truth))
    columns = [
        *((each, everywhere) for each in (hits, sizes, sizes == 0, sizes == 1)),
        *((hits & of_class, of_class) for of_class in own.T),
    ]
    totals, counts = (
        np.stack([np.bincount(patients, weights=column) for column in each], axis=1)
        for each in zip(*columns, strict=True)
    )
    return totals / np.maximum(counts, 1), (counts > 0).astype(np.float64)


def _means(means: np.ndarray, counted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average over patients, of whom each has a weight in each resample: (resamples, figures), NaN for nobody."""
    totals, counts = weights @ (means * counted), weights @ counted
    return np.asarray(np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0))


def _limits(means: np.ndarray, counted: np.ndarray, confidence: float, rng: np.random.Generator) -> list[Interval]:
    n, figures = means.shape
    if n == 1:
        return [(math.nan, math.nan)] * figures
    out = bundle(n)
    draws = (np.bincount(rng.integers(n, size=n), minlength=n)[None] for _ in range(RESAMPLES))
    drawn = np.concatenate([_means(means, counted, weights.astype(float)) for weights in draws])
    left_out = _means(means, counted, (np.arange(out.max() + 1)[:, None] != out).astype(float))
    values = _means(means, counted, np.ones((1, n)))[0]
    return [bca_interval(*each, confidence) for each in zip(values, drawn.T, left_out.T, strict=True)]


def _show(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return "undefined"
    return f"{value:.3f}" + ("" if math.isnan(low) else f" [{low:.3f}, {high:.3f}]")
