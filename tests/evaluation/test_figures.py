"""Point estimates: what they are worth where a class is absent, never predicted or alone."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.evaluation.figures import CLASS_FIGURES, FIGURES, confusion_counts, point_figures


def certain(predicted, n_classes):
    return np.eye(n_classes)[predicted]


def test_figures_by_hand():
    truth = np.array([0, 0, 0, 1, 1, 2])
    figures = point_figures(certain([0, 0, 1, 1, 1, 0], 3), truth)
    assert figures["accuracy"] == pytest.approx(4 / 6)
    assert figures["recall"] == pytest.approx([2 / 3, 1, 0])
    assert figures["precision"][:2] == pytest.approx([2 / 3, 2 / 3])
    assert figures["f1"] == pytest.approx([2 / 3, 0.8, 0])
    assert figures["balanced_accuracy"] == pytest.approx(5 / 9)
    assert figures["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 3)


def test_auroc_counts_pairs_and_takes_ties_for_half():
    scores = np.array([0.9, 0.4, 0.4, 0.1])
    figures = point_figures(np.stack([scores, 1 - scores], axis=1), np.array([0, 0, 1, 1]))
    # Of the four pairs of one scan each, three are won and one is a tie.
    assert figures["auroc"] == pytest.approx([3.5 / 4, 3.5 / 4])


def test_never_predicted_class_has_no_precision_and_an_f1_of_zero():
    figures = point_figures(certain([0, 0, 0], 2), np.array([0, 0, 1]))
    assert np.isnan(figures["precision"][1])
    assert figures["f1"][1] == 0
    assert figures["macro_f1"] == pytest.approx(0.4)


def test_absent_class_is_undefined_and_left_out_of_means():
    figures = point_figures(certain([0, 2, 1, 1], 3), np.array([0, 0, 1, 1]))
    for name in ("f1", "recall", "auroc"):
        assert np.isnan(figures[name][2])
    assert figures["precision"][2] == 0
    assert figures["balanced_accuracy"] == pytest.approx(0.75)
    assert figures["macro_f1"] == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize("n_classes", [1, 3])
def test_one_class_alone_has_no_auroc(n_classes):
    figures = point_figures(certain([0, 0], n_classes), np.array([0, 0]))
    assert figures["accuracy"] == figures["macro_f1"] == 1
    assert np.isnan(figures["auroc"]).all()


def test_every_figure_has_its_shape():
    figures = point_figures(certain([0, 1, 2], 3), np.array([0, 1, 2]))
    assert list(figures) == [*FIGURES, *CLASS_FIGURES]
    assert all(figures[name].shape == () for name in FIGURES)
    assert all(figures[name].shape == (3,) for name in CLASS_FIGURES)


@pytest.mark.parametrize(("predicted", "counts"), [([1, 1, 0], [[0, 1], [1, 1]]), ([0, 0, 0], [[1, 0], [2, 0]])])
def test_confusion_rows_are_the_truth(predicted, counts):
    assert confusion_counts(certain(predicted, 2), np.array([0, 1, 1])).tolist() == counts
