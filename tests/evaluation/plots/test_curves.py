"""Curves and reliability, drawn: the numbers in the lines, and that nothing else is touched."""

from __future__ import annotations

from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import auc, average_precision_score

from octlib.evaluation import METRICS, score
from octlib.evaluation.plots.palette import COLOURS, style

NAMES = ("CNV", "a_$DME$", "NORMAL")
PLOTS = ("plot_roc", "plot_precision_recall", "plot_reliability")


@pytest.fixture(scope="module")
def evaluation():
    truth = np.arange(120) % 3
    probabilities = 0.7 * np.random.default_rng(0).dirichlet(np.ones(3), size=120) + 0.3 * np.eye(3)[truth]
    return score(truth, probabilities, np.arange(120) // 4, NAMES)


@pytest.fixture(scope="module")
def without_normal():
    with pytest.warns(UserWarning, match="NORMAL"):
        return score([0, 1, 0, 1], np.eye(3)[[0, 1, 1, 2]], list("abcd"), NAMES)


def lines_of(ax):
    return {line.get_label().partition("  ")[0]: line for line in ax.lines if not line.get_label().startswith("_")}


def test_roc_curves_hold_the_area_that_the_legend_names(evaluation):
    ax = evaluation.plot_roc()
    lines = lines_of(ax)
    assert tuple(lines) == NAMES
    for name, line in lines.items():
        assert auc(*line.get_data()) == pytest.approx(evaluation.auroc[name])
        shown = METRICS["auroc"].show(evaluation.auroc[name], evaluation.intervals["auroc"][name])
        assert line.get_label() == f"{name}  {shown}"
    assert ax.get_legend().get_title().get_text() == "AUROC"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("1 - specificity", "sensitivity")


def test_precision_recall_curves_hold_the_average_precision(evaluation):
    lines = lines_of(evaluation.plot_precision_recall())
    for index, (name, line) in enumerate(lines.items()):
        recall, precision = line.get_data()
        positive = evaluation.truth == index
        average = average_precision_score(positive, evaluation.probabilities[:, index])
        assert -np.sum(np.diff(recall) * precision[:-1]) == pytest.approx(average)
        low, high = evaluation.intervals["average_precision"][name]
        shown = f"{average:.3f} [{low:.3f}, {high:.3f}]"
        assert line.get_label() == f"{name}  {shown} (a guess: {positive.mean():.3f})"


def test_reliability_is_accuracy_over_confidence(evaluation):
    ax = evaluation.plot_reliability()
    confidence = evaluation.probabilities.max(axis=1)
    right = evaluation.probabilities.argmax(axis=1) == evaluation.truth
    edges = np.arange(16) / 15
    inside = [(confidence >= low) & (confidence < high) for low, high in pairwise(edges)]
    expected = [(confidence[each].mean(), right[each].mean()) for each in inside if each.any()]
    np.testing.assert_allclose(ax.lines[1].get_xydata(), expected)
    counts = [bar.get_height() for bar in ax.child_axes[0].patches]
    assert counts == [each.sum() for each in inside]
    assert sum(counts) == 120


def test_a_confidence_of_1_is_in_the_last_bin(without_normal):
    ax = without_normal.plot_reliability()
    assert ax.lines[1].get_xydata().tolist() == [[1, 0.5]]
    assert ax.child_axes[0].patches[-1].get_height() == 4


@pytest.mark.parametrize("plot", ["plot_roc", "plot_precision_recall"])
def test_an_absent_class_is_named_without_a_curve(without_normal, plot):
    line = lines_of(getattr(without_normal, plot)())["NORMAL"]
    assert line.get_label() == "NORMAL  undefined"
    assert len(line.get_xdata()) == 0


@pytest.mark.parametrize("plot", PLOTS)
def test_it_draws_where_it_is_told_and_shows_nothing(evaluation, plot, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("show() was called"))
    before, open_figures = dict(mpl.rcParams), plt.get_fignums()
    ax = Figure().subplots()
    assert getattr(evaluation, plot)(ax=ax) is ax
    assert plt.get_fignums() == open_figures
    assert getattr(evaluation, plot)() is not ax
    assert len(plt.get_fignums()) == len(open_figures) + 1
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("plot", ["plot_roc", "plot_precision_recall"])
def test_names_of_classes_are_no_formulas(evaluation, plot):
    assert not any(text.get_parse_math() for text in getattr(evaluation, plot)().get_legend().get_texts())


@pytest.mark.parametrize("plot", PLOTS)
def test_everything_lies_within_a_figure_of_its_own(evaluation, plot):
    ax = getattr(evaluation, plot)()
    ax.figure.canvas.draw()
    whole = ax.figure.bbox
    for each in (ax, *ax.child_axes):
        box = each.get_tightbbox()
        assert whole.x0 - 1 <= box.x0 <= box.x1 <= whole.x1 + 1
        assert whole.y0 - 1 <= box.y0 <= box.y1 <= whole.y1 + 1


@pytest.mark.parametrize("plot", PLOTS)
def test_text_follows_the_users_style(evaluation, plot):
    with plt.style.context("dark_background"):
        ax = getattr(evaluation, plot)()
    assert mpl.colors.to_hex(ax.xaxis.label.get_color()) == "#ffffff"
    assert mpl.colors.to_hex(ax.figure.get_facecolor()) == "#000000"


def luminance(colour):
    channels = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("background", ["white", "black"])
def test_colours_stand_out_on_light_and_dark(background):
    for colour in COLOURS:
        dark, light = sorted([luminance(colour), luminance(background)])
        assert (light + 0.05) / (dark + 0.05) > 2


def test_two_dozen_classes_look_different():
    assert len({tuple(style(number).values()) for number in range(24)}) == 24
