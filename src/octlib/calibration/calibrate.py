"""Calibrate: probabilities that come true as often as they say, and sets of classes that hold the true one."""

from __future__ import annotations

import html as markup
import math
import warnings
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from octlib._checks import as_seed
from octlib.calibration.conformal import check_coverage, find_least, patients_needed
from octlib.calibration.losses import log_loss
from octlib.calibration.patients import number_patients, one_scan_each
from octlib.calibration.temperature import HIGHEST, LOWEST, cross_fitted, find_temperature
from octlib.data import as_dataset, match_labels
from octlib.errors import CalibrationError, CalibrationWarning
from octlib.evaluation.metrics.plain import ece
from octlib.evaluation.rendering import NOTICE
from octlib.models import Postprocessing

if TYPE_CHECKING:
    from octlib.data import OctDataset
    from octlib.data.loading import Source
    from octlib.models import OctClassifier

FOLDS = 5
FEW = 20  # patients: from fewer, a temperature is a guess
WORSE = 1.05  # times the log loss: what is less may be chance
BESIDE_SETS = 10  # patients that are left for the temperature, at least, where others are for the sets


@dataclass(frozen=True, repr=False)
class Calibration:
    """What a calibration found, and how well it does.

    *Before* is at temperature 1, *after* at the temperature that was found on the same scans, which looks a little
    better than it is; *cross-fitted* is each scan at a temperature that was found without its patient, as other
    patients would see it. Where no patient is left, with one alone, it is NaN.

    Attributes:
        temperature: above 1 where probabilities were too sure, below 1 where they were not sure enough.
        log_loss_before: mean of -log p of the true class, in nats.
        log_loss_after: likewise.
        log_loss_cross_fitted: likewise.
        ece_before: expected calibration error over 15 bins, in [0, 1].
        ece_after: likewise.
        ece_cross_fitted: likewise.
        n_scans: number of scans that the temperature is from.
        n_patients: of patients.
        coverage: what was asked of the sets, or ``None``.
        least: the probability from which on a class is in a set, or ``None``.
        n_patients_of_sets: number of patients that the sets are from, each with one scan; 0 without sets.
    """

    temperature: float
    log_loss_before: float
    log_loss_after: float
    log_loss_cross_fitted: float
    ece_before: float
    ece_after: float
    ece_cross_fitted: float
    n_scans: int
    n_patients: int
    coverage: float | None = None
    least: float | None = None
    n_patients_of_sets: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give everything in a form that JSON can hold; ``None`` for NaN."""
        return {name: None if _is_nan(value) else value for name, value in asdict(self).items()}

    def _summary(self) -> str:
        return f"{self.n_scans:,} scans of {self.n_patients:,} patients; temperature {self.temperature:.3g}"

    def _rows(self) -> list[tuple[str, ...]]:
        losses = self.log_loss_before, self.log_loss_after, self.log_loss_cross_fitted
        errors = self.ece_before, self.ece_after, self.ece_cross_fitted
        named = (("log loss", losses), ("ECE", errors))
        return [(name, *("" if _is_nan(value) else f"{value:.3f}" for value in values)) for name, values in named]

    def _sets(self) -> str:
        if self.coverage is None:
            return ""
        return (
            f"Sets for a coverage of {self.coverage:g}, from one scan of each of {self.n_patients_of_sets:,} other "
            f"patients: classes from a probability of {self.least:.3g} on."
        )

    def __repr__(self) -> str:
        """Show the figures as a table of text."""
        head = ("", "before", "after", "cross-fitted")
        lines = ["".join([f"{row[0]:<10}", *(f"{cell:>14}" for cell in row[1:])]) for row in (head, *self._rows())]
        return "\n".join(filter(None, [f"Calibration on {self._summary()}", *lines, self._sets(), NOTICE]))

    def _repr_html_(self) -> str:
        head = "<tr><th></th><th>before</th><th>after</th><th>cross-fitted</th></tr>"
        rows = "".join(
            f"<tr><th>{row[0]}</th>{''.join(f'<td>{cell}</td>' for cell in row[1:])}</tr>" for row in self._rows()
        )
        said = f"<div>{markup.escape(self._sets())}</div>" if self.coverage is not None else ""
        return (
            f"<div><strong>Calibration</strong> on {markup.escape(self._summary())}<table>{head}{rows}</table>{said}"
            f"<small>{NOTICE}</small></div>"
        )


def calibrate(
    classifier: OctClassifier,
    validation: OctDataset | Source,
    *,
    coverage: float | None = None,
    cache: bool | str = True,
    batch_size: int = 32,
    seed: int = 0,
    progress: bool | None = None,
) -> Calibration:
    """Make a classifier's probabilities come true as often as they say, and find sets of classes on request.

    The temperature that divides the logarithms of the probabilities is the one with the lowest log loss on scans that
    the classifier was not trained on (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2). It
    changes no predicted class, unless priors are adjusted. It goes into ``classifier.postprocessing``, which every verb
    of octlib uses and which is saved with the classifier; training drops it. A second calibration starts from
    temperature 1 again and replaces the first one, sets and all.

    Flips and priors stay as they are, so the scans have to be such as these are for. With both to come, calibrate
    first, and adjust priors afterwards.

    With a coverage, half of the patients, or as many more as it takes, is left out of the search for the temperature
    and used for the sets, by split conformal prediction: of a further patient like these, a scan drawn at random has
    its true class in its set with that probability, on average over all choices of patients to calibrate on. Such a
    promise needs units that are exchangeable. Scans are not, as those of one patient resemble one another, so one scan
    of each patient is drawn by the seed (Dunn, Wasserman and Ramdas 2023, "Distribution-Free Prediction Sets for
    Two-Layer Hierarchical Models": subsampling once). It says nothing of single classes, of scans of another device, or
    of other class shares.

    Args:
        classifier: its postprocessing is changed.
        validation: labelled scans of patients that it was not trained on.
        coverage: in [0.5, 1), such as 0.9: ``octlib.predict`` then has a column ``set``. ``None`` is without sets.
        cache: keep the backbone's features on disk for later runs, as in ``octlib.predict``.
        batch_size: scans in memory at a time, from 1 on.
        seed: of the division of patients, from 0 to 2**32 - 1.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        The temperature, with log loss and calibration error before and after.

    Warns:
        CalibrationWarning: if a class has no scan; if patients are few; if the cross-fitted log loss is a twentieth
            above that before, or more; if no temperature is the best.
        UnknownPatientsWarning: if patients are unknown: each scan then counts as one of its own.

    Raises:
        TypeError: if ``classifier`` is none, the scans are no source of ``load_oct_dataset``, or ``coverage`` is no
            number.
        CalibrationError: if patients are too few for the coverage, a scan is of a class that the priors rule out, or
            names of classes can't be told apart in a set.
        UnmatchedClassesError: if a scan has no label, or one that is none of the classifier's classes.
        UnreadableScanError: if some scans can't be read; the text names them all.
        MissingPackageError: if sets are asked for, and ``octlib[trust]`` is not installed.
        ValueError: if there are no scans, or an argument is out of its range.

    Example:
        >>> import octlib
        >>> scans = octlib.load_oct_dataset("phantoms")
        >>> train, validation = scans.split((0.5, 0.5))
        >>> classifier = octlib.build_classifier("octlib", image_size=64)
        >>> _ = octlib.fit(classifier, train, progress=False)
        >>> calibration = octlib.calibrate(classifier, validation)
        >>> calibration.log_loss_after <= calibration.log_loss_before
        True
        >>> classifier.postprocessing.temperature == calibration.temperature
        True
    """
    # torch comes with it.
    from octlib.features.prediction import predict_with
    from octlib.models.classifier import require_classifier

    require_classifier(classifier)
    asked = None if coverage is None else check_coverage(coverage)
    seed = as_seed(seed)
    dataset = as_dataset(validation)
    if not len(dataset):
        raise ValueError("calibrate needs at least one scan; the dataset is empty.")
    names = tuple(classifier.class_names)
    labels = match_labels(dataset, names)
    base = replace(classifier.postprocessing, temperature=1.0, coverage=None, least=None)
    _check_classes(base, labels, names, sets=asked is not None)
    patients = number_patients(dataset, seed)
    for_sets = patients < _n_for_sets(patients.max() + 1, asked)
    views = Postprocessing(base.flips)
    probabilities = predict_with(classifier, dataset, views, cache=cache, batch_size=batch_size, progress=progress)
    calibration = _measure(probabilities[~for_sets], labels[~for_sets], patients[~for_sets], base)
    calibrated = replace(base, temperature=calibration.temperature)
    if asked is not None:
        chosen = one_scan_each(dataset, patients, seed)
        chosen = chosen[for_sets[chosen]]
        least = find_least(calibrated.combine([probabilities[chosen]]), labels[chosen], asked)
        calibrated = replace(calibrated, coverage=asked, least=least)
        calibration = replace(calibration, coverage=asked, least=least, n_patients_of_sets=len(chosen))
    classifier.postprocessing = calibrated
    _warn(calibration, np.setdiff1d(np.arange(len(names)), labels[~for_sets]), names)
    return calibration


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _check_classes(postprocessing: Postprocessing, labels: np.ndarray, names: tuple[str, ...], *, sets: bool) -> None:
    priors = postprocessing.priors
    impossible = [] if priors is None else [index for index in np.unique(labels) if priors[index] == 0]
    if impossible:
        raise CalibrationError(
            f"The classifier's priors rule out {', '.join(names[index] for index in impossible)}, and "
            f"{np.isin(labels, impossible).sum():,} of {len(labels):,} scans are of it.",
            "Leave these out, or undo the priors: octlib.adjust_priors(classifier, None).",
        )
    joined = [name for name in names if "|" in name]
    if sets and joined:
        raise CalibrationError(
            f"The classes of a set are joined by '|', so that no class may have it in its name, got {joined[0]!r}.",
            "Rename the class, and train anew.",
        )


def _n_for_sets(patients: int, coverage: float | None) -> int:
    """Count the patients that are for the sets: half, or as many more as the coverage takes."""
    if coverage is None:
        return 0
    needed = patients_needed(coverage)
    if patients < needed + BESIDE_SETS:
        raise CalibrationError(
            f"Sets for a coverage of {coverage:g} need {needed:,} patients, and the temperature {BESIDE_SETS} others: "
            f"{needed + BESIDE_SETS:,} in all, got {patients:,}.",
            "Give scans of more patients, or ask for a lower coverage.",
        )
    return max(-(-patients // 2), needed)


def _measure(probabilities: np.ndarray, labels: np.ndarray, patients: np.ndarray, base: Postprocessing) -> Calibration:
    temperature = find_temperature(probabilities, labels, base)
    before, after = (each.combine([probabilities]) for each in (base, replace(base, temperature=temperature)))
    others = cross_fitted(probabilities, labels, patients, base, FOLDS)
    results = (before, after, others)
    figures: dict[str, Any] = {
        f"{name}_{stage}": math.nan if each is None else float(function(labels, each))
        for name, function in (("log_loss", log_loss), ("ece", ece))
        for stage, each in zip(("before", "after", "cross_fitted"), results, strict=True)
    }
    return Calibration(temperature, **figures, n_scans=len(labels), n_patients=len(np.unique(patients)))


def _warn(calibration: Calibration, absent: np.ndarray, names: tuple[str, ...]) -> None:
    problems = []
    if len(absent):
        missing = ", ".join(names[index] for index in absent)
        problems.append(f"No scan is of class {missing}, so nothing is known of its probabilities.")
    if calibration.n_patients < FEW:
        problems.append(f"The temperature is from as few as {calibration.n_patients} patients, and may be far off.")
    if calibration.log_loss_cross_fitted > WORSE * calibration.log_loss_before:
        problems.append(
            f"Other patients would see a log loss of {calibration.log_loss_cross_fitted:.3f} in place of "
            f"{calibration.log_loss_before:.3f}: the temperature fits these scans alone."
        )
    if calibration.temperature == LOWEST:
        problems.append(
            f"The surer, the better: the temperature ran to its bound of {LOWEST:g}. Scans that are all recognised "
            "can't tell how sure to be."
        )
    if calibration.temperature == HIGHEST:
        problems.append(
            f"The less sure, the better: the temperature ran to its bound of {HIGHEST:g}. The predictions say nothing "
            "about these scans."
        )
    if problems:
        advice = "Calibrate on scans of more patients, or go back: classifier.postprocessing = Postprocessing()."
        warnings.warn(CalibrationWarning(" ".join(problems), advice), stacklevel=3)
