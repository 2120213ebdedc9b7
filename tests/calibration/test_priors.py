"""Priors: other class shares than in training, stated or estimated, make predictions better where they hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import octlib
from octlib.calibration.losses import log_loss
from octlib.calibration.priors import estimate_priors
from octlib.errors import CalibrationError, CalibrationWarning
from octlib.features.prediction import predict_probabilities
from octlib.models import Postprocessing

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")

SCREENING = {"CNV": 0.03, "DME": 0.07, "DRUSEN": 0.2, "NORMAL": 0.7}
EVEN = dict.fromkeys(NAMES, 0.25)


@pytest.fixture
def trained(classifier: Any) -> Any:
    """Give a classifier that expects classes alike."""
    classifier.class_shares = (0.25,) * 4
    return classifier


def test_a_shifted_test_set_is_predicted_better(trained: Any, world: Any) -> None:
    made = world(1500, shares=tuple(SCREENING.values()))
    before = predict_probabilities(trained, made.scans)
    assert octlib.adjust_priors(trained, SCREENING) == SCREENING
    after = predict_probabilities(trained, made.scans)
    assert log_loss(made.labels, after) < 0.8 * log_loss(made.labels, before)
    right = [(rows.argmax(axis=1) == made.labels).mean() for rows in (before, after)]
    assert right[1] > right[0] + 0.05


def test_estimated_shares_come_near_the_true_ones_and_do_as_well(trained: Any, world: Any) -> None:
    made = world(1500, shares=tuple(SCREENING.values()))
    octlib.adjust_priors(trained, SCREENING)
    stated = log_loss(made.labels, predict_probabilities(trained, made.scans))
    found = octlib.adjust_priors(trained, "estimate", scans=made.scans)
    assert list(found) == list(NAMES)
    assert sum(found.values()) == pytest.approx(1)
    for name, share in found.items():
        assert share == pytest.approx(SCREENING[name], abs=0.05)
    assert log_loss(made.labels, predict_probabilities(trained, made.scans)) < stated + 0.02


def test_the_estimate_starts_from_calibrated_predictions_and_no_earlier_priors(trained: Any, world: Any) -> None:
    made = world(1500, shares=tuple(SCREENING.values()), sharpness=3.0)
    trained.postprocessing = Postprocessing(temperature=3.0)
    first = octlib.adjust_priors(trained, "estimate", scans=made.scans)
    octlib.adjust_priors(trained, {"CNV": 0.97, "DME": 0.01, "DRUSEN": 0.01, "NORMAL": 0.01})
    assert octlib.adjust_priors(trained, "estimate", scans=made.scans) == pytest.approx(first, abs=1e-4)
    assert first["NORMAL"] == pytest.approx(0.7, abs=0.05)
    assert trained.postprocessing.temperature == 3.0


def test_a_second_adjustment_replaces_the_first_and_none_undoes_it(trained: Any, world: Any) -> None:
    made = world(50)
    plain = predict_probabilities(trained, made.scans)
    octlib.adjust_priors(trained, SCREENING)
    once = predict_probabilities(trained, made.scans)
    octlib.adjust_priors(trained, SCREENING)
    np.testing.assert_array_equal(predict_probabilities(trained, made.scans), once)
    octlib.adjust_priors(trained, EVEN)
    np.testing.assert_array_equal(predict_probabilities(trained, made.scans), plain)
    assert octlib.adjust_priors(trained, None) is None
    assert trained.postprocessing == Postprocessing()


def test_sets_for_other_priors_are_dropped_with_a_word(trained: Any) -> None:
    trained.postprocessing = Postprocessing(flips=True, temperature=2.0, coverage=0.9, least=0.2)
    with pytest.warns(CalibrationWarning, match="sets for a coverage of 0.9 are dropped") as caught:
        octlib.adjust_priors(trained, SCREENING)
    assert [warning.filename for warning in caught] == [__file__]
    assert trained.postprocessing == Postprocessing(True, 2.0, (0.25,) * 4, tuple(SCREENING.values()))


# What training has taught to expect


def test_nothing_is_guessed(classifier: Any) -> None:
    with pytest.raises(CalibrationError, match="Nobody knows which class shares.*trained_on={class: share}"):
        octlib.adjust_priors(classifier, SCREENING)
    octlib.adjust_priors(classifier, SCREENING, trained_on={"NORMAL": 0.4, "DRUSEN": 0.3, "DME": 0.2, "CNV": 0.1})
    assert classifier.postprocessing.trained_on == (0.1, 0.2, 0.3, 0.4)
    octlib.adjust_priors(classifier, EVEN)  # it has been said
    assert classifier.postprocessing.trained_on == (0.1, 0.2, 0.3, 0.4)


def test_a_class_that_training_has_not_seen(classifier: Any) -> None:
    classifier.class_shares = (0.5, 0.5, 0.0, 0.0)
    with pytest.raises(CalibrationError, match="DRUSEN, NORMAL has none"):
        octlib.adjust_priors(classifier, SCREENING)


@pytest.mark.parametrize(
    ("class_weight", "expected"),
    [
        ("balanced", (0.25, 0.25, 0.25, 0.25)),
        ("logit_adjustment", (0.25, 0.25, 0.25, 0.25)),
        (None, (0.4, 0.3, 0.2, 0.1)),
        ({"CNV": 1, "DME": 1, "DRUSEN": 1, "NORMAL": 6}, (4 / 15, 3 / 15, 2 / 15, 6 / 15)),
    ],
)
def test_fit_notes_what_it_teaches_to_expect(classifier: Any, class_weight: Any, expected: Any, tmp_path: Any) -> None:
    labels = np.repeat(np.arange(4), [8, 6, 4, 2])
    pixels = np.random.default_rng(0).integers(0, 255, (20, 32, 32), dtype=np.uint8)
    scans = octlib.load_oct_dataset((pixels, labels, [f"p{n}" for n in range(20)]), class_names=NAMES)
    octlib.fit(classifier, scans, class_weight=class_weight, progress=False)
    assert classifier.class_shares == pytest.approx(expected, abs=1e-6)
    classifier.save(tmp_path / "c")
    assert octlib.load_classifier(tmp_path / "c").class_shares == classifier.class_shares
    octlib.adjust_priors(classifier, SCREENING)
    assert classifier.postprocessing.trained_on == classifier.class_shares


def test_frequent_classes_are_expected_as_often_as_training_showed_them(classifier: Any) -> None:
    # Noise says nothing, so that of other noise a head can only say the shares; what is noted must be what it says.
    rng, labels = np.random.default_rng(0), np.repeat(np.arange(4), [40, 30, 20, 10])
    train, other = (
        octlib.load_oct_dataset(
            (rng.integers(0, 255, (100, 32, 32), dtype=np.uint8), labels, [f"p{n}" for n in range(100)]),
            class_names=NAMES,
        )
        for _ in range(2)
    )
    for class_weight in (None, "balanced", "logit_adjustment"):
        octlib.fit(classifier, train, class_weight=class_weight, l2=3, progress=False)
        said = predict_probabilities(classifier, other).mean(axis=0)
        np.testing.assert_allclose(said, classifier.class_shares, atol=0.06)


# Arguments


@pytest.mark.parametrize(
    ("priors", "options", "error", "text"),
    [
        ({"CNV": 1.0}, {}, ValueError, "priors must have a share for each of CNV, DME, DRUSEN, NORMAL"),
        ({**SCREENING, "CNV": 0.5}, {}, ValueError, "1 in all; got .* with the sum 1.47"),
        ({**SCREENING, "CNV": -0.03, "DME": 0.13}, {}, ValueError, "shares of 0 or more"),
        ({**SCREENING, "CNV": "3 %"}, {}, TypeError, r"priors\['CNV'\] must be a number"),
        ([0.25] * 4, {}, TypeError, "priors must be a share for each class, 'estimate' or None"),
        ("guess", {}, TypeError, "'estimate' or None, got 'guess'"),
        ("estimate", {}, TypeError, "needs the scans to estimate from"),
        (SCREENING, {"scans": np.zeros((2, 2, 2), np.uint8)}, TypeError, "scans are for priors='estimate' alone"),
        (None, {"trained_on": EVEN}, TypeError, "needs no trained_on"),
        (SCREENING, {"trained_on": {"CNV": 1}}, ValueError, "trained_on must have a share for each"),
        (SCREENING, {"trained_on": "even"}, TypeError, "trained_on must be a dictionary"),
    ],
)
def test_what_is_asked_for_wrongly_is_told_and_changes_nothing(
    trained: Any, priors: Any, options: Any, error: Any, text: str
) -> None:
    with pytest.raises(error, match=text):
        octlib.adjust_priors(trained, priors, **options)
    assert trained.postprocessing == Postprocessing()


def test_no_scans_to_estimate_from(trained: Any, world: Any) -> None:
    with pytest.raises(ValueError, match="at least one scan to estimate from"):
        octlib.adjust_priors(trained, "estimate", scans=world(4).scans[:0])


def test_percents_may_be_rounded(trained: Any) -> None:
    found = octlib.adjust_priors(trained, {"CNV": 0.33, "DME": 0.33, "DRUSEN": 0.33, "NORMAL": 0})
    assert found == pytest.approx({"CNV": 1 / 3, "DME": 1 / 3, "DRUSEN": 1 / 3, "NORMAL": 0})


def test_scans_that_say_nothing_of_their_shares() -> None:
    assert estimate_priors(np.full((10, 2), 0.5), (0.5, 0.5)) == (0.5, 0.5)
    rows = np.tile([0.5 + 1e-5, 0.5 - 1e-5], (10, 1))
    with pytest.warns(CalibrationWarning, match="still move by .* after 1,000 steps"):
        estimate_priors(rows, (0.5, 0.5))
