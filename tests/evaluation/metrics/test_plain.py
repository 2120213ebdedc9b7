"""Metrics of one set of scans: scikit-learn's, and what they are worth where a class is absent or alone."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from octlib.evaluation.metrics import METRICS, confusion_counts


def measured(probabilities, truth):
    return {name: metric.value(truth, probabilities) for name, metric in METRICS.items()}


def certain(predicted, n_classes):
    return np.eye(n_classes)[predicted]


def test_values_by_hand():
    truth = np.array([0, 0, 0, 1, 1, 2])
    values = measured(certain([0, 0, 1, 1, 1, 0], 3), truth)
    assert values["accuracy"] == pytest.approx(4 / 6)
    assert values["recall"] == pytest.approx([2 / 3, 1, 0])
    assert values["precision"][:2] == pytest.approx([2 / 3, 2 / 3])
    assert values["f1"] == pytest.approx([2 / 3, 0.8, 0])
    assert values["balanced_accuracy"] == pytest.approx(5 / 9)
    assert values["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 3)


def test_values_of_the_rest_by_hand():
    truth = np.array([0, 0, 0, 1, 1, 2])
    values = measured(certain([0, 0, 1, 1, 1, 0], 3), truth)
    assert values["specificity"] == pytest.approx([2 / 3, 3 / 4, 1])
    assert values["npv"] == pytest.approx([2 / 3, 1, 5 / 6])
    assert values["weighted_f1"] == pytest.approx((3 * 2 / 3 + 2 * 0.8 + 0) / 6)
    # By chance (3 * 3 + 2 * 3) / 36 would agree; four of six do.
    assert values["cohen_kappa"] == pytest.approx((4 / 6 - 15 / 36) / (1 - 15 / 36))
    # Squared distances: 1 + 4 of the two confusions, against 1 * 15 + 4 * 3 + 1 * 3 in 36 by chance, times 6.
    assert values["quadratic_kappa"] == pytest.approx(1 - 5 / (30 / 36 * 6))
    assert values["brier"] == pytest.approx(2 * 2 / 6)


def test_quadratic_kappa_takes_the_classes_in_their_order():
    truth = np.array([0, 0, 1, 1, 2, 2])
    near, far = certain([0, 1, 1, 1, 2, 2], 3), certain([0, 2, 1, 1, 2, 2], 3)
    kappas = [measured(each, truth)["quadratic_kappa"] for each in (near, far)]
    assert kappas[0] > kappas[1]
    assert measured(near, truth)["accuracy"] == measured(far, truth)["accuracy"]


def test_brier_sums_over_the_classes():
    assert measured(np.array([[0.5, 0.3, 0.2]]), np.array([1]))["brier"] == pytest.approx(0.25 + 0.49 + 0.04)


def test_ece_weighs_the_gap_of_each_bin_by_its_scans():
    confidence = np.array([0.7, 0.7, 0.7, 0.95])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    # Of three scans with a confidence of 0.7 one is right; so is the one with 0.95.
    assert measured(probabilities, np.array([0, 1, 1, 0]))["ece"] == pytest.approx((3 * (0.7 - 1 / 3) + 0.05) / 4)


def test_a_bin_holds_its_upper_end():
    # 0.6 is the end of the ninth bin of fifteen: 0.59 lies in it too, 0.61 doesn't.
    one, other = (np.array([[0.6, 0.4], [each, 1 - each]]) for each in (0.59, 0.61))
    truth = np.array([0, 1])
    assert measured(one, truth)["ece"] == pytest.approx(abs(0.4 - 0.59) / 2)
    assert measured(other, truth)["ece"] == pytest.approx((0.4 + 0.61) / 2)


@st.composite
def scans(draw):
    """Scans of which every class has some, with many ties."""
    n_classes = draw(st.integers(2, 4))
    more = draw(st.lists(st.integers(0, n_classes - 1), min_size=1, max_size=12))
    truth = np.array([*range(n_classes), *more])
    cell = st.lists(st.integers(1, 4), min_size=n_classes, max_size=n_classes)
    raw = np.array(draw(st.lists(cell, min_size=truth.size, max_size=truth.size)))
    return truth, raw / raw.sum(axis=1, keepdims=True)


@settings(max_examples=25)
@given(scans())
def test_values_are_those_of_scikit_learn(case):
    truth, probabilities = case
    predicted, classes = probabilities.argmax(axis=1), range(probabilities.shape[1])
    values, reference = measured(probabilities, truth), sklearn.metrics
    rest = [(truth == each, predicted == each, probabilities[:, each]) for each in classes]
    expected = {
        "accuracy": reference.accuracy_score(truth, predicted),
        "weighted_f1": reference.f1_score(truth, predicted, average="weighted"),
        "macro_f1": reference.f1_score(truth, predicted, average="macro"),
        "cohen_kappa": reference.cohen_kappa_score(truth, predicted),
        "quadratic_kappa": reference.cohen_kappa_score(truth, predicted, weights="quadratic"),
        "mcc": reference.matthews_corrcoef(truth, predicted),
        "brier": sum(reference.brier_score_loss(true, scores) for true, _, scores in rest),
        "recall": [reference.recall_score(true, taken) for true, taken, _ in rest],
        "specificity": [reference.recall_score(~true, ~taken) for true, taken, _ in rest],
        "precision": [reference.precision_score(true, taken, zero_division=np.nan) for true, taken, _ in rest],
        "npv": [reference.precision_score(~true, ~taken, zero_division=np.nan) for true, taken, _ in rest],
        "auroc": [reference.roc_auc_score(true, scores) for true, _, scores in rest],
        "average_precision": [reference.average_precision_score(true, scores) for true, _, scores in rest],
        "macro_average_precision": np.mean([reference.average_precision_score(it[0], it[2]) for it in rest]),
    }
    if len(classes) > 2:
        expected["macro_auroc"] = reference.roc_auc_score(truth, probabilities, multi_class="ovr")
    for name, value in expected.items():
        np.testing.assert_allclose(values[name], value, atol=1e-12, err_msg=name)


def test_auroc_counts_pairs_and_takes_ties_for_half():
    scores = np.array([0.9, 0.4, 0.4, 0.1])
    values = measured(np.stack([scores, 1 - scores], axis=1), np.array([0, 0, 1, 1]))
    # Of the four pairs of one scan each, three are won and one is a tie.
    assert values["auroc"] == pytest.approx([3.5 / 4, 3.5 / 4])


def test_never_predicted_class_has_no_precision_and_an_f1_of_zero():
    values = measured(certain([0, 0, 0], 2), np.array([0, 0, 1]))
    assert np.isnan(values["precision"][1])
    assert values["f1"][1] == 0
    assert values["macro_f1"] == pytest.approx(0.4)


def test_absent_class_is_undefined_and_left_out_of_means():
    values = measured(certain([0, 2, 1, 1], 3), np.array([0, 0, 1, 1]))
    for name in ("f1", "recall", "auroc", "average_precision"):
        assert np.isnan(values[name][2])
    assert values["precision"][2] == 0
    assert values["balanced_accuracy"] == pytest.approx(0.75)
    assert values["macro_f1"] == values["weighted_f1"] == pytest.approx((2 / 3 + 1) / 2)
    assert not np.isnan([values["macro_auroc"], values["macro_average_precision"], values["mcc"]]).any()


@pytest.mark.parametrize("n_classes", [1, 3])
def test_one_class_alone_has_no_auroc(n_classes):
    values = measured(certain([0, 0], n_classes), np.array([0, 0]))
    assert values["accuracy"] == values["macro_f1"] == 1
    for name in ("auroc", "macro_auroc", "cohen_kappa", "quadratic_kappa", "mcc"):
        assert np.isnan(values[name]).all()
    assert np.isnan(values["specificity"][0])
    assert values["average_precision"][0] == values["macro_average_precision"] == 1


@pytest.mark.parametrize(("predicted", "counts"), [([1, 1, 0], [[0, 1], [1, 1]]), ([0, 0, 0], [[1, 0], [2, 0]])])
def test_confusion_rows_are_the_truth(predicted, counts):
    assert confusion_counts(np.array([0, 1, 1]), certain(predicted, 2)).tolist() == counts
