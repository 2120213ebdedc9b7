"""Metrics: what they are worth where a class is absent, never predicted or alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

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
    for name in ("f1", "recall", "auroc"):
        assert np.isnan(values[name][2])
    assert values["precision"][2] == 0
    assert values["balanced_accuracy"] == pytest.approx(0.75)
    assert values["macro_f1"] == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize("n_classes", [1, 3])
def test_one_class_alone_has_no_auroc(n_classes):
    values = measured(certain([0, 0], n_classes), np.array([0, 0]))
    assert values["accuracy"] == values["macro_f1"] == 1
    assert np.isnan(values["auroc"]).all()


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_whether_classes_have_values_of_their_own(name):
    value = METRICS[name].value(np.array([0, 1, 2]), certain([0, 1, 2], 3))
    assert np.shape(value) == ((3,) if METRICS[name].by_class else ())
    assert METRICS[name].name == name


def test_a_value_has_three_digits_and_its_interval():
    accuracy = METRICS["accuracy"]
    assert accuracy.show(0.9123, (0.88, 0.94149)) == "0.912 [0.880, 0.941]"
    assert accuracy.show(0.5, (float("nan"), float("nan"))) == "0.500"
    assert accuracy.show(float("nan"), (0.1, 0.2)) == "undefined"
    assert replace(accuracy, digits=1).show(0.9123, (0.88, 0.94149)) == "0.9 [0.9, 0.9]"


@pytest.mark.parametrize(("predicted", "counts"), [([1, 1, 0], [[0, 1], [1, 1]]), ([0, 0, 0], [[1, 0], [2, 0]])])
def test_confusion_rows_are_the_truth(predicted, counts):
    assert confusion_counts(np.array([0, 1, 1]), certain(predicted, 2)).tolist() == counts
