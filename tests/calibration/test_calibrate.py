"""Calibrate: the temperature that is right is found, on whole patients, and said with its limits."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import octlib
from octlib.calibration import conformal
from octlib.calibration.losses import log_loss
from octlib.calibration.temperature import HIGHEST, LOWEST, find_temperature
from octlib.errors import (
    CalibrationError,
    CalibrationWarning,
    MissingPackageError,
    UnknownPatientsWarning,
    UnmatchedClassesError,
)
from octlib.evaluation import score
from octlib.evaluation.metrics.plain import ece as ece_of
from octlib.features import prediction
from octlib.models import Postprocessing

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_what_makes_a_classifier_too_sure_or_not_sure_enough(
    classifier: Any, world: Any, sharpness: float
) -> None:
    made = world(2000, sharpness=sharpness)
    found = octlib.calibrate(classifier, made.scans)
    assert found.temperature == pytest.approx(sharpness, rel=0.1)
    assert classifier.postprocessing == Postprocessing(temperature=found.temperature)
    assert (found.n_scans, found.n_patients, found.coverage) == (4000, 2000, None)


def test_other_patients_get_better_probabilities_too(classifier: Any, world: Any) -> None:
    made = world(1000, sharpness=2.5)
    validation, test = made.scans.split((0.3, 0.7))
    labels = np.asarray(test.labels)
    before = prediction.predict_probabilities(classifier, test)
    found = octlib.calibrate(classifier, validation)
    after = prediction.predict_probabilities(classifier, test)
    assert log_loss(labels, after) < log_loss(labels, before)
    assert ece_of(labels, after) < 0.3 * ece_of(labels, before)
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()
    assert found.log_loss_after < found.log_loss_cross_fitted < found.log_loss_before
    assert found.ece_after < found.ece_before


def test_the_figures_are_those_of_the_predictions(classifier: Any, world: Any) -> None:
    made = world(60, sharpness=2.0)
    found = octlib.calibrate(classifier, made.scans)
    for stage, post in (("before", Postprocessing()), ("after", classifier.postprocessing)):
        rows = post.combine([made.probabilities])
        assert getattr(found, f"log_loss_{stage}") == pytest.approx(log_loss(made.labels, rows))
        assert getattr(found, f"ece_{stage}") == pytest.approx(ece_of(made.labels, rows))


def test_what_chooses_a_temperature_does_not_report_on_it(classifier: Any, world: Any) -> None:
    # Two patients: each one's temperature is from the other alone.
    made = world(2, scans_each=3, seed=4)
    with pytest.warns(CalibrationWarning):
        found = octlib.calibrate(classifier, made.scans)
    halves = np.arange(6) < 3
    losses = []
    for own in (halves, ~halves):
        temperature = find_temperature(made.probabilities[~own], made.labels[~own], Postprocessing())
        rows = Postprocessing(temperature=temperature).combine([made.probabilities[own]])
        losses.append(log_loss(made.labels[own], rows))
    assert found.log_loss_cross_fitted == pytest.approx(np.mean(losses), rel=1e-5)
    assert found.log_loss_cross_fitted > found.log_loss_after


def test_a_second_calibration_replaces_the_first(classifier: Any, world: Any) -> None:
    made = world(100, sharpness=2.0)
    first = octlib.calibrate(classifier, made.scans, coverage=0.8)
    again = octlib.calibrate(classifier, made.scans)
    assert classifier.postprocessing == Postprocessing(temperature=again.temperature)
    assert octlib.calibrate(classifier, made.scans, coverage=0.8) == first


@pytest.mark.filterwarnings("ignore:Other patients would see")
def test_neither_the_order_of_scans_nor_another_run_changes_anything(classifier: Any, world: Any) -> None:
    made = world(60, scans_each=3)
    found = octlib.calibrate(classifier, made.scans, coverage=0.8)
    other = octlib.calibrate(classifier, made.scans[::-1], coverage=0.8)
    assert (other.temperature, other.least) == pytest.approx((found.temperature, found.least), rel=1e-5)
    assert octlib.calibrate(classifier, made.scans, coverage=0.8, seed=1).least != found.least


def test_flips_and_priors_stay(classifier: Any, world: Any) -> None:
    made = world(2000, shares=(0.7, 0.1, 0.1, 0.1))
    classifier.postprocessing = Postprocessing(flips=True, trained_on=(0.25,) * 4, priors=(0.7, 0.1, 0.1, 0.1))
    found = octlib.calibrate(classifier, made.scans)
    assert classifier.postprocessing == Postprocessing(True, found.temperature, (0.25,) * 4, (0.7, 0.1, 0.1, 0.1))
    assert found.temperature == pytest.approx(1, rel=0.1)  # with the right priors nothing is left to do


def test_scans_of_a_class_that_priors_rule_out_are_told(classifier: Any, world: Any) -> None:
    made = world(40)
    classifier.postprocessing = Postprocessing(trained_on=(0.25,) * 4, priors=(0.5, 0.5, 0.0, 0.0))
    with pytest.raises(CalibrationError, match=r"rule out DRUSEN, NORMAL, and \d+ of 80 scans are of it"):
        octlib.calibrate(classifier, made.scans)


# What scans may be


def test_one_class_alone(classifier: Any, world: Any) -> None:
    made = world(100)
    with pytest.warns(CalibrationWarning, match="No scan is of class DME, DRUSEN, NORMAL, so nothing is known"):
        octlib.calibrate(classifier, made.scans[made.labels == 0])


def test_all_recognised(classifier: Any, world: Any) -> None:
    made = world(200)
    right = made.probabilities.argmax(axis=1) == made.labels
    with pytest.warns(CalibrationWarning, match=f"ran to its bound of {LOWEST:g}.*all recognised can't tell"):
        found = octlib.calibrate(classifier, made.scans[right])
    assert found.temperature == LOWEST


def test_nothing_recognised(classifier: Any, world: Any) -> None:
    made = world(200)
    wrong = made.probabilities.argmin(axis=1) == made.labels
    with pytest.warns(CalibrationWarning, match=f"ran to its bound of {HIGHEST:g}"):
        assert octlib.calibrate(classifier, made.scans[wrong]).temperature == HIGHEST


def test_few_patients(classifier: Any, world: Any) -> None:
    made = world(12)
    with pytest.warns(CalibrationWarning, match="from as few as 12 patients, and may be far off") as caught:
        octlib.calibrate(classifier, made.scans)
    assert [warning.filename for warning in caught] == [__file__]


def test_one_patient_reports_on_nobody_else(classifier: Any, world: Any) -> None:
    made = world(1, scans_each=4)
    with pytest.warns(CalibrationWarning, match="from as few as 1 patients"):
        found = octlib.calibrate(classifier, made.scans)
    assert math.isnan(found.log_loss_cross_fitted)
    assert found.to_dict()["ece_cross_fitted"] is None
    assert "nan" not in repr(found)


@pytest.mark.filterwarnings("ignore:Other patients would see")
def test_unknown_patients(classifier: Any, world: Any) -> None:
    made = world(30, scans_each=1)
    scans = made.scans.with_patients([None, None, *made.patients[2:]])
    with pytest.warns(UnknownPatientsWarning, match="2 of 30 scans have no patient") as caught:
        found = octlib.calibrate(classifier, scans)
    assert {warning.filename for warning in caught} == {__file__}
    assert found.n_patients == 30


def test_scans_without_labels(classifier: Any, world: Any) -> None:
    made = world(30)
    with pytest.raises(UnmatchedClassesError, match="The scans must have labels"):
        octlib.calibrate(classifier, np.zeros((3, 2, 2), np.uint8))
    with pytest.raises(UnmatchedClassesError, match="1 of 60 have none"):
        octlib.calibrate(classifier, replace(made.scans, labels=np.array([-1, *made.labels[1:]])))


def test_nothing_at_all(classifier: Any, world: Any) -> None:
    with pytest.raises(ValueError, match="calibrate needs at least one scan"):
        octlib.calibrate(classifier, world(4).scans[:0])
    with pytest.raises(TypeError, match="classifier must be what octlib.build_classifier"):
        octlib.calibrate(world(4).scans, classifier)


def test_what_is_broken_off_changes_nothing(classifier: Any, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(30)
    octlib.calibrate(classifier, made.scans)
    was = classifier.postprocessing

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(prediction, "predict_with", stopped)
    with pytest.raises(KeyboardInterrupt):
        octlib.calibrate(classifier, made.scans)
    assert classifier.postprocessing is was


# Sets


def test_patients_are_too_few_for_a_coverage(classifier: Any, world: Any) -> None:
    made = world(29, sharpness=2.0)
    text = "a coverage of 0.95 need 20 patients, and the temperature 10 others: 30 in all, got 29"
    with pytest.raises(CalibrationError, match=text):
        octlib.calibrate(classifier, made.scans, coverage=0.95)
    assert classifier.postprocessing == Postprocessing()
    with pytest.warns(CalibrationWarning, match="from as few as 10 patients"):
        assert octlib.calibrate(classifier, world(30).scans, coverage=0.95).n_patients_of_sets == 20


@pytest.mark.parametrize(
    ("coverage", "error"), [(0.4, ValueError), (1, ValueError), (90, ValueError), ("a", TypeError)]
)
def test_coverages_that_cannot_be(classifier: Any, world: Any, coverage: Any, error: Any) -> None:
    with pytest.raises(error, match="coverage must be"):
        octlib.calibrate(classifier, world(30).scans, coverage=coverage)


def test_a_bar_in_the_name_of_a_class(world: Any) -> None:
    names = ("CNV|DME", *NAMES[1:])
    classifier = octlib.build_classifier("test_resnet", weights=None, image_size=32, class_names=names)
    scans = replace(world(60).scans, class_names=names)
    with pytest.raises(CalibrationError, match=r"no class may have it in its name, got 'CNV\|DME'"):
        octlib.calibrate(classifier, scans, coverage=0.8)
    octlib.calibrate(classifier, scans)


def test_a_missing_package_is_named(classifier: Any, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformal, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"need mapie, not installed here. Run: .*'octlib\[trust\]'"):
        octlib.calibrate(classifier, world(60).scans, coverage=0.8)


@pytest.mark.filterwarnings("ignore:Other patients would see")
def test_temperature_and_sets_are_from_different_patients(classifier: Any, world: Any) -> None:
    made = world(40, scans_each=3)
    found = octlib.calibrate(classifier, made.scans, coverage=0.8)
    assert (found.n_patients, found.n_patients_of_sets, found.n_scans) == (20, 20, 60)
    changes = {"temperature": 0, "least": 0}
    for patient in sorted(set(made.patients)):
        labels = np.where(np.array(made.patients) == patient, (made.labels + 1) % 4, made.labels)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CalibrationWarning)
            other = octlib.calibrate(classifier, replace(made.scans, labels=labels), coverage=0.8)
        if other.temperature == found.temperature:
            changes["least"] += 1
        else:
            changes["temperature"] += 1
    assert changes == {"temperature": 20, "least": 20}


def test_the_threshold_is_the_one_of_split_conformal_prediction() -> None:
    rng = np.random.default_rng(0)
    for n, coverage in ((10, 0.9), (37, 0.9), (50, 0.8), (200, 0.95)):
        rows = rng.dirichlet(np.ones(4), n)
        labels = rng.integers(4, size=n)
        scores = np.sort(1 - rows[np.arange(n), labels])
        wanted = 1 - scores[math.ceil(round((n + 1) * coverage, 9)) - 1]
        assert conformal.find_least(rows, labels, coverage) == pytest.approx(wanted, abs=1e-9)


# What is said


def test_a_temperature_that_would_not_hold_elsewhere_is_told(classifier: Any, world: Any) -> None:
    with pytest.warns(CalibrationWarning, match=r"Other patients would see a log loss of 0\.\d+ in place of 0\.\d+"):
        found = octlib.calibrate(classifier, world(40, scans_each=3).scans, coverage=0.8)
    assert found.log_loss_cross_fitted > 1.05 * found.log_loss_before


@pytest.mark.filterwarnings("ignore:Other patients would see")
def test_it_is_shown_and_survives_json(classifier: Any, world: Any) -> None:
    found = octlib.calibrate(classifier, world(60).scans, coverage=0.8)
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    for text in (repr(found), found._repr_html_()):
        for part in (
            "30 patients",
            f"{found.temperature:.3g}",
            f"{found.log_loss_cross_fitted:.3f}",
            "coverage of 0.8",
        ):
            assert part in text
    assert "prediction: of the scan as it is; temperature" in repr(classifier)


def test_losses_by_hand() -> None:
    rows = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [1.0, 0.0]])
    labels = np.array([0, 1, 1, 0])
    assert log_loss(labels, rows) == pytest.approx(-np.log([0.8, 0.4, 0.7, 1.0]).mean())
    assert ece_of(labels, rows) == pytest.approx(np.mean([0.2, 0.6, 0.3, 0.0]))  # each in a bin of its own
    assert np.isfinite(log_loss(np.array([1, 1, 1, 1]), rows))


def test_the_error_is_that_of_the_bins() -> None:
    # Ten scans of one bin: 0.95 sure, 7 right.
    rows = np.tile([0.95, 0.05], (10, 1))
    assert ece_of(np.array([0] * 7 + [1] * 3), rows) == pytest.approx(0.25)


def test_worlds_are_what_they_claim(world: Any) -> None:
    made = world(4000, scans_each=1)
    assert ece_of(made.labels, made.probabilities) < 0.03


def test_its_errors_are_those_of_an_evaluation(classifier: Any, world: Any) -> None:
    made = world(200, scans_each=1)
    found = octlib.calibrate(classifier, made.scans)
    assert found.ece_before == pytest.approx(score(made.labels, made.probabilities, made.patients, NAMES).ece)
