"""Scoring any model's probabilities: what it asks for, what it warns of, and that order doesn't matter."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octlib.errors import UndefinedMetricWarning, UnknownPatientsWarning
from octlib.evaluation import score

NAMES = ("CNV", "DME", "NORMAL")


def scans(n=40, n_patients=12, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 3
    probabilities = rng.dirichlet(np.ones(3), size=n) + 0.8 * np.eye(3)[truth]
    patients = np.array([f"p{index}" for index in rng.integers(n_patients, size=n)], dtype=object)
    return truth, probabilities / probabilities.sum(axis=1, keepdims=True), patients


def test_same_input_same_result_other_seed_other_intervals():
    one, other, reseeded = score(*scans(), NAMES), score(*scans(), NAMES), score(*scans(), NAMES, seed=1)
    assert one.to_dict() == other.to_dict()
    assert one.f1 == reseeded.f1
    assert one.intervals != reseeded.intervals


def test_order_of_scans_without_patients_changes_nothing_even_in_ties():
    # Few distinct probabilities: the first column alone doesn't tell the scans apart.
    truth = np.arange(60) % 3
    probabilities = np.array([[0.2, 0.6, 0.2], [0.2, 0.2, 0.6], [0.6, 0.2, 0.2]])[np.arange(60) // 7 % 3]
    order = np.random.default_rng(0).permutation(60)
    with pytest.warns(UserWarning, match="bootstrapped over scans"):
        straight = score(truth, probabilities, None, NAMES)
    with pytest.warns(UserWarning, match="bootstrapped over scans"):
        shuffled = score(truth[order], probabilities[order], None, NAMES)
    assert shuffled.to_dict() == straight.to_dict()


@settings(max_examples=15)
@given(st.permutations(range(40)), st.booleans())
@pytest.mark.filterwarnings("ignore:Patients are unknown")
def test_order_of_scans_changes_nothing(order, by_patient):
    truth, probabilities, patients = scans()
    order = np.array(order)
    shuffled = score(truth[order], probabilities[order], patients[order] if by_patient else None, NAMES)
    assert shuffled.to_dict() == score(truth, probabilities, patients if by_patient else None, NAMES).to_dict()


def test_order_of_classes_only_renames():
    truth, probabilities, patients = scans()
    turned = score(2 - truth, probabilities[:, ::-1], patients, NAMES[::-1])
    straight = score(truth, probabilities, patients, NAMES)
    assert turned.f1 == pytest.approx(straight.f1)
    assert turned.intervals["auroc"]["DME"] == pytest.approx(straight.intervals["auroc"]["DME"])
    assert turned.confusion_matrix.tolist() == straight.confusion_matrix[::-1, ::-1].tolist()


def test_patients_are_counted_and_their_type_does_not_matter():
    truth, probabilities, _ = scans()
    numbers = np.arange(40) % 7
    result = score(truth, probabilities, numbers, NAMES)
    assert (result.n_scans, result.n_patients, result.resampled) == (40, 7, "patient")
    assert result.to_dict() == score(truth, probabilities, [str(number) for number in numbers], NAMES).to_dict()


def test_scans_of_one_patient_widen_the_interval():
    truth, probabilities, _ = scans(n=400)
    wrong = np.arange(400) % 40 < 12
    probabilities[wrong] = np.roll(probabilities[wrong], 1, axis=1)
    together = score(truth, probabilities, np.arange(400) % 40, NAMES).intervals["accuracy"]
    apart = score(truth, probabilities, np.arange(400), NAMES).intervals["accuracy"]
    assert together[1] - together[0] > 2 * (apart[1] - apart[0])


@pytest.mark.parametrize("unknown", [None, float("nan"), pd.NA, pd.NaT, ""])
def test_a_scan_without_a_patient_is_a_patient_of_its_own(unknown):
    truth, probabilities, patients = scans()
    patients[3] = patients[7] = unknown
    with pytest.warns(UnknownPatientsWarning, match="2 of 40 scans have no patient") as caught:
        result = score(truth, probabilities, patients, NAMES)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    patients[3], patients[7] = "zz1", "zz2"
    apart = score(truth, probabilities, patients, NAMES)
    assert (result.n_patients, result.resampled) == (apart.n_patients, "patient")
    assert result.intervals == apart.intervals


@pytest.mark.filterwarnings("ignore:.*scans have no patient")
def test_order_of_scans_without_a_patient_changes_nothing():
    truth, probabilities, patients = scans()
    patients[::3] = None
    order = np.random.default_rng(1).permutation(40)
    shuffled = score(truth[order], probabilities[order], patients[order], NAMES)
    assert shuffled.to_dict() == score(truth, probabilities, patients, NAMES).to_dict()


@pytest.mark.parametrize("patients", [None, [None] * 40, [float("nan")] * 40, [""] * 40])
def test_where_all_patients_are_unknown_scans_are_resampled(patients):
    truth, probabilities, _ = scans()
    with pytest.warns(UnknownPatientsWarning, match="bootstrapped over scans") as caught:
        result = score(truth, probabilities, patients, NAMES)
    assert [warning.filename for warning in caught] == [__file__]
    assert (result.n_patients, result.resampled) == (None, "scan")


def test_a_number_is_one_patient_however_it_is_written():
    truth, probabilities, _ = scans()
    result = score(truth, probabilities, [12, 12.0, np.float64(12), "12"] * 5 + [13, np.int8(13)] * 10, NAMES)
    assert result.n_patients == 2
    assert set(result.scans["patient"]) == {"12", "13"}


def test_absent_classes_are_named_in_one_warning():
    _, probabilities, patients = scans()
    with pytest.warns(UndefinedMetricWarning, match="CNV, NORMAL") as caught:
        result = score(np.ones(40, dtype=int), probabilities, patients, NAMES)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    for metric in (result.f1, result.recall, result.auroc):
        assert np.isnan(metric["CNV"])
    assert np.isnan(result.intervals["f1"]["CNV"]).all()
    assert np.isnan(result.auroc["DME"])
    assert result.macro_f1 == result.f1["DME"]
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["intervals"]["f1"]["NORMAL"] == [None, None]


def test_one_patient_alone_has_figures_but_no_intervals():
    truth, probabilities, _ = scans()
    with pytest.warns(UndefinedMetricWarning, match="one patient alone"):
        result = score(truth, probabilities, ["p1"] * 40, NAMES)
    assert 0 < result.accuracy <= 1
    assert np.isnan(result.intervals["accuracy"]).all()
    assert np.isnan(result.intervals["recall"]["DME"]).all()


def test_single_precision_and_plain_lists_are_fine():
    truth, probabilities, patients = scans()
    half = score(truth.tolist(), probabilities.astype(np.float16), patients.tolist(), list(NAMES))
    assert half.accuracy == score(truth, probabilities, patients, NAMES).accuracy


def test_arguments_are_left_alone():
    truth, probabilities, patients = scans()
    before = probabilities.copy(), truth.copy(), patients.copy()
    score(truth, probabilities, patients, NAMES)
    assert all(np.array_equal(one, other) for one, other in zip(before, (probabilities, truth, patients), strict=True))


def test_what_was_scored_is_kept_and_cannot_change():
    truth, probabilities, patients = scans()
    result = score(truth.tolist(), probabilities, patients, NAMES)
    assert np.array_equal(result.probabilities, probabilities)
    assert score(truth, probabilities.astype(np.float32), patients, NAMES).probabilities.dtype == np.float32
    assert np.array_equal(result.truth, truth)
    probabilities[0] = 0
    assert result.probabilities[0].sum() == pytest.approx(1)
    for array in (result.probabilities, result.truth):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def spoiled(column, value):
    probabilities = scans()[1]
    probabilities[5, column] = value
    return probabilities


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probabilities": scans()[1][:, :2]}, r"column for each of the 3 class names.*\(40, 2\)"),
        ({"probabilities": scans()[1][:, 0]}, r"got the shape \(40,\)"),
        ({"probabilities": 3 * scans()[1]}, "40 of 40 rows do not.*softmax"),
        ({"probabilities": spoiled(0, np.nan)}, "1 of 40 rows do not, the first is row 5"),
        ({"probabilities": spoiled([0, 1, 2], [-0.5, 0.5, 1])}, "first is row 5"),
        ({"probabilities": np.empty((0, 3)), "truth": np.empty(0, int), "patients": None}, "at least one scan"),
        (
            {"probabilities": np.ones((40, 1)), "class_names": ["CNV"]},
            "at least one scan and two classes; got 40 scans",
        ),
        ({"truth": np.full(40, 3)}, "truth must lie in 0 to 2.*40 scans"),
        ({"truth": np.full(40, -1)}, "without a label"),
        ({"truth": np.zeros(39, int)}, "each of the 40 rows"),
        ({"truth": np.zeros(40)}, "truth must hold ints"),
        ({"patients": ["p1"] * 39}, "Patients must be one for each scan, 40 in all"),
        ({"class_names": ("CNV", "CNV", "DME")}, "must differ"),
        ({"confidence": 0}, "between 0 and 1"),
        ({"confidence": 1}, "between 0 and 1"),
        ({"confidence": 95}, "0.95 for 95 %; got 95"),
        ({"confidence": float("nan")}, "between 0 and 1"),
        ({"seed": -1}, "seed must be an int >= 0; got -1"),
    ],
)
def test_wrong_arguments_are_refused(change, message):
    truth, probabilities, patients = scans()
    arguments = {"probabilities": probabilities, "truth": truth, "patients": patients, "class_names": NAMES} | change
    with pytest.raises(ValueError, match=message):
        score(**arguments)


def test_nothing_is_said_when_there_is_nothing_to_say():
    # Precision is undefined for the class that is never predicted; neither that nor anything else warns.
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]] * 6)
    truth = np.array([0, 1, 2] * 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = score(truth, probabilities, np.arange(12) % 5, NAMES)
    assert np.isnan(result.precision["NORMAL"])
    assert result.f1["NORMAL"] == 0
