"""Operating points: chosen on some scans, judged on others, and honest about which is which."""

from __future__ import annotations

import dataclasses
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octlib._bootstrap import bca_interval
from octlib.errors import LeakageWarning, UndefinedMetricWarning
from octlib.evaluation import OperatingPoint, score
from octlib.evaluation.rendering import NOTICE

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")


def binary(positive, scores, patients=None):
    """Give an evaluation of two classes, CNV (positive) and NORMAL, with these probabilities of CNV."""
    scores = np.array(scores, dtype=float)
    patients = np.arange(len(scores)) if patients is None else patients
    return score(1 - np.array(positive, dtype=int), np.stack([scores, 1 - scores], axis=1), patients, ["CNV", "NORMAL"])


def four(seed, first_patient=0, n=120):
    truth = np.arange(n) % 4
    probabilities = 0.7 * np.random.default_rng(seed).dirichlet(np.ones(4), size=n) + 0.3 * np.eye(4)[truth]
    return score(truth, probabilities, first_patient + np.arange(n) // 4, NAMES)


@pytest.fixture(scope="module")
def validation():
    return four(0)


@pytest.fixture(scope="module")
def test_result():
    return four(1, first_patient=1000)


SCORES = [0.9, 0.8, 0.6, 0.4, 0.7, 0.5, 0.3, 0.1]
POSITIVE = [1, 1, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("required", "threshold", "sensitivity", "specificity"),
    [
        ({"sensitivity": 0.5}, 0.8, 0.5, 1),
        ({"sensitivity": 0.51}, 0.6, 0.75, 0.75),
        ({"sensitivity": 1}, 0.4, 1, 0.5),
        ({"specificity": 0.5}, 0.4, 1, 0.5),
        ({"specificity": 0.75}, 0.6, 0.75, 0.75),
        ({"specificity": 1}, 0.8, 0.5, 1),
    ],
)
def test_thresholds_by_hand(required, threshold, sensitivity, specificity):
    point = binary(POSITIVE, SCORES).operating_point("CNV", **required)
    assert (point.threshold, point.sensitivity, point.specificity) == (threshold, sensitivity, specificity)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=30),
    st.sampled_from([0.1, 0.5, 0.8, 0.95, 1.0]),
    st.sampled_from(["sensitivity", "specificity"]),
)
def test_no_threshold_does_better(scans, minimum, required):
    positive, scores = np.array([each for each, _ in scans]), np.array([each / 6 for _, each in scans])
    if positive.all() or not positive.any():
        return
    result = dataclasses.replace(  # without the bootstrap, which takes its time
        binary([1, 0], [1, 0]),
        truth=1 - positive.astype(int),
        probabilities=np.stack([scores, 1 - scores], axis=1),
        scans=pd.DataFrame({"patient": np.arange(len(scans))}),
    )
    shares = [((scores >= t)[positive].mean(), (scores < t)[~positive].mean()) for t in np.unique(scores)]
    own, other = (0, 1) if required == "sensitivity" else (1, 0)
    able = [each for each in shares if each[own] >= minimum and min(each) > 0]
    if not able:
        with pytest.raises(ValueError, match="Require less"):
            result.operating_point(["CNV"], **{required: minimum})
        return
    point = result.operating_point(["CNV"], **{required: minimum})
    reached = (point.sensitivity, point.specificity)
    assert reached[own] >= minimum
    assert reached[other] == max(each[other] for each in able)


def test_probabilities_of_the_positive_classes_are_summed(validation, test_result):
    point = validation.operating_point(["CNV", "DME"], sensitivity=0.9)
    assert (point.positive, point.negative) == (("CNV", "DME"), ("DRUSEN", "NORMAL"))
    flagged = test_result.probabilities[:, :2].sum(axis=1) >= point.threshold
    positive = test_result.truth < 2
    judged = point.evaluate(test_result)
    assert judged.true_positives == (flagged & positive).sum()
    assert judged.false_positives == (flagged & ~positive).sum()
    assert judged.sensitivity == pytest.approx(flagged[positive].mean())
    assert judged.specificity == pytest.approx((~flagged)[~positive].mean())
    assert judged.ppv == pytest.approx(positive[flagged].mean())
    assert judged.npv == pytest.approx((~positive)[~flagged].mean())
    assert judged.accuracy == pytest.approx((flagged == positive).mean())


def test_intervals_are_over_patients(validation, test_result):
    point = validation.operating_point(["CNV", "DME"], specificity=0.8)
    judged = point.evaluate(test_result, seed=4)
    right = ((test_result.probabilities[:, :2].sum(axis=1) >= point.threshold) == (test_result.truth < 2)).reshape(
        30, 4
    )
    hits = right.mean(axis=1)  # of patients whose names are of one length, so that they are drawn in their order
    drawn = hits[np.random.default_rng(4).integers(30, size=(1000, 30))].mean(axis=1)
    expected = bca_interval(hits.mean(), drawn, (hits.sum() - hits) / 29, 0.95)
    assert judged.intervals["accuracy"] == pytest.approx(expected)
    for name, (low, high) in judged.intervals.items():
        assert low < getattr(judged, name) < high
    assert judged.intervals != point.evaluate(test_result, seed=5).intervals


def test_what_chooses_does_not_report(validation, test_result):
    point = validation.operating_point(["CNV", "DME"], sensitivity=0.9)
    with pytest.warns(
        LeakageWarning, match="chosen on 30 of the 30 patients or scans .* too high.*What chooses"
    ) as said:
        judged = point.evaluate(validation)
    assert said[0].filename == __file__
    assert (judged.sensitivity, judged.specificity) == (point.sensitivity, point.specificity)
    with pytest.warns(LeakageWarning, match="chosen on 5 of the 30 patients"):
        point.evaluate(four(2, first_patient=25))
    point.evaluate(test_result)  # and no warning


@pytest.mark.filterwarnings("ignore::octlib.errors.UnknownPatientsWarning")
def test_the_same_scans_are_known_without_patients():
    results = [score([0, 1, 0, 1], np.array([[p, 1 - p] for p in (0.9, 0.2, 0.6, d)]), None, "ab") for d in (0.1, 0.3)]
    # Names of arrays are numbers, which all arrays share.
    results = [dataclasses.replace(each, scans=each.scans.assign(name=list("0123"), path=None)) for each in results]
    point = results[0].operating_point(["a"], sensitivity=1)
    with pytest.warns(LeakageWarning, match="chosen on the scans that it is evaluated on"):
        point.evaluate(results[0])
    point.evaluate(results[1])
    with_paths = [
        dataclasses.replace(each, scans=each.scans.assign(path=[f"{folder}/{row}.png" for row in range(4)]))
        for each, folder in zip(results, ("val", "test"), strict=True)
    ]
    point = with_paths[0].operating_point(["a"], sensitivity=1)
    with pytest.warns(LeakageWarning, match="chosen on 4 of the 4 patients or scans"):
        point.evaluate(with_paths[0])
    point.evaluate(with_paths[1])


def test_a_saved_point_is_the_same_and_names_no_patient(validation, test_result):
    point = validation.operating_point(["CNV", "DME"], sensitivity=0.9)
    text = json.dumps(point.to_dict(), allow_nan=False)
    again = OperatingPoint(**json.loads(text))
    assert again == point
    assert again.evaluate(test_result).to_dict() == point.evaluate(test_result).to_dict()
    assert json.loads(text).keys() >= {"threshold", "required", "minimum", "level"}
    assert "chosen_on" not in text


def test_text_and_table_say_what_was_chosen_and_found(validation, test_result):
    point = validation.operating_point(["CNV", "DME"], sensitivity=0.9)
    lines = repr(point).splitlines()
    assert lines[0] == f"CNV or DME against the rest, from a probability of {point.threshold:.4g} on"
    assert lines[1].startswith("chosen on 120 scans of 30 patients for a sensitivity of 0.9 or more: sensitivity 0.9")
    judged = point.evaluate(test_result)
    assert repr(judged).splitlines()[0] == f"{lines[0]}: 120 scans of 30 patients"
    assert f"  {judged.true_positives} of 60" in repr(judged)
    assert "PPV and NPV hold where 50.0 % are positive, as here." in repr(judged)
    assert repr(judged).endswith(NOTICE)
    table = judged.to_frame().set_index("metric")
    assert list(table.index) == ["sensitivity", "specificity", "ppv", "npv", "accuracy"]
    assert table["value"].to_numpy() == pytest.approx(table["count"] / table["of"])
    assert tuple(table.loc["ppv", ["low", "high"]]) == judged.intervals["ppv"]
    plain = judged.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["point"] == point.to_dict()


def test_ties_are_never_divided():
    point = binary([1, 1, 1, 0, 0], [0.7, 0.7, 0.7, 0.7, 0.1]).operating_point(["CNV"], sensitivity=0.3)
    assert (point.threshold, point.sensitivity, point.specificity) == (0.7, 1, 0.5)


def test_a_requirement_out_of_reach_is_refused_with_what_is_in_reach():
    result = binary([1, 1, 1, 0, 0], [0.9, 0.7, 0.1, 0.3, 0.1])
    with pytest.raises(
        ValueError, match="sensitivity of 0.95 takes .* calls every scan positive; .* otherwise is 0.6667"
    ):
        result.operating_point(["CNV"], sensitivity=0.95)
    with pytest.raises(
        ValueError, match="specificity of 1 takes .* calls no scan of these classes positive; .* is 0.5"
    ):
        binary([1, 1, 0, 0], [0.7, 0.6, 0.9, 0.1]).operating_point(["CNV"], specificity=1)
    with pytest.raises(ValueError, match="every scan positive; none does better"):
        binary([1, 0], [0.5, 0.5]).operating_point(["CNV"], sensitivity=0.5)


@pytest.mark.parametrize(
    "wrong", [{}, {"sensitivity": 0.9, "specificity": 0.9}, {"sensitivity": 0}, {"specificity": 95}]
)
def test_one_requirement_between_0_and_1_is_needed(validation, wrong):
    with pytest.raises(ValueError, match="Exactly one of sensitivity and specificity must be required"):
        validation.operating_point(["CNV"], **wrong)


@pytest.mark.parametrize("positive", [[], list(NAMES), ["CNV", "CNV"]])
def test_positive_classes_and_others_are_needed(validation, positive):
    with pytest.raises(ValueError, match="positive must be one or more different classes, and at least one of .* left"):
        validation.operating_point(positive, sensitivity=0.9)


def test_an_unknown_class_is_named(validation):
    with pytest.raises(ValueError, match="Unknown class 'DRUSE': did you mean 'DRUSEN'"):
        validation.operating_point(["DRUSE"], sensitivity=0.9)


@pytest.mark.filterwarnings("ignore:No scan is of class .*NORMAL|No scan is of class DME, :UserWarning")
def test_absent_classes_are_said():
    rng = np.random.default_rng(0)
    truth = np.array([0, 3] * 10)
    with pytest.warns(UndefinedMetricWarning):
        result = score(truth, rng.dirichlet(np.ones(4), size=20), np.arange(20), NAMES)
    with pytest.warns(UndefinedMetricWarning, match="No scan is of class DME: the threshold is chosen without") as said:
        point = result.operating_point(["CNV", "DME"], sensitivity=0.5)
    assert said[0].filename == __file__
    with pytest.raises(
        ValueError, match="be of DME or DRUSEN and some of other classes; 0 of the 20 scans are of them"
    ):
        result.operating_point(["DME", "DRUSEN"], sensitivity=0.5)
    with pytest.raises(ValueError, match="20 of the 20 scans are of them"):
        result.operating_point(["CNV", "NORMAL"], sensitivity=0.5)
    with pytest.warns(UndefinedMetricWarning):
        healthy = score(np.full(4, 3), rng.dirichlet(np.ones(4), size=4), np.arange(100, 104), NAMES)
    with pytest.warns(UndefinedMetricWarning, match="No scans are of CNV or DME: some figures are NaN"):
        judged = point.evaluate(healthy)
    assert np.isnan([judged.sensitivity, *judged.intervals["sensitivity"]]).all()
    assert judged.specificity == judged.accuracy
    assert "undefined" in repr(judged)
    assert judged.to_dict()["sensitivity"] is None


def test_results_of_another_classifier_or_level_are_refused(validation):
    point = validation.operating_point(["CNV"], sensitivity=0.9)
    with pytest.raises(ValueError, match=r"is of the classes .* the evaluation of \['CNV', 'NORMAL'\]"):
        point.evaluate(binary(POSITIVE, SCORES))
    by_patient = OperatingPoint(**{**point.to_dict(), "level": "patient"})
    with pytest.raises(
        ValueError, match="chosen at level 'patient', the evaluation is at level 'scan'.*level='patient'"
    ):
        by_patient.evaluate(validation)


@pytest.mark.filterwarnings("ignore::octlib.errors.OctlibWarning")
def test_one_patient_alone_has_no_intervals():
    point = binary(POSITIVE, SCORES).operating_point(["CNV"], sensitivity=0.5)
    judged = point.evaluate(binary(POSITIVE, SCORES, ["x"] * 8))
    assert judged.sensitivity == 0.5
    assert np.isnan(list(judged.intervals.values())).all()
    assert "There are no intervals: they need more than one patient." in repr(judged)


def test_the_order_of_the_scans_changes_nothing(validation, test_result):
    point = validation.operating_point(["CNV", "DME"], sensitivity=0.9)
    order = np.random.default_rng(0).permutation(120)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patients = np.where(np.arange(120) < 40, None, 1000 + np.arange(120) // 4)
        results = [
            score(test_result.truth[o], test_result.probabilities[o], patients[o], NAMES)
            for o in (np.arange(120), order)
        ]
    assert point.evaluate(results[0]).to_dict() == point.evaluate(results[1]).to_dict()


def test_what_was_saved_and_changed_is_refused(validation):
    saved = validation.operating_point(["CNV"], sensitivity=0.9).to_dict()
    with pytest.raises(TypeError, match="positive must be a list of classes, got 'CNV'"):
        OperatingPoint(**{**saved, "positive": "CNV"})
    with pytest.raises(ValueError, match="threshold must be a probability, got nan"):
        OperatingPoint(**{**saved, "threshold": float("nan")})
