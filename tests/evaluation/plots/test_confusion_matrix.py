"""The confusion matrix, drawn: what stands in the cells, and that nothing else is touched."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from octlib.evaluation import score

NAMES = ("CNV", "a_$DME$", "NORMAL")


@pytest.fixture
def evaluation():
    predicted, truth = np.array([0, 0, 1, 1, 1, 0, 0, 0]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    with pytest.warns(UserWarning, match="NORMAL"):
        return score(truth, np.eye(3)[predicted], np.arange(8) // 2, NAMES)


def test_cells_hold_counts_and_shares_of_the_row(evaluation):
    ax = evaluation.plot_confusion_matrix()
    cells = [text.get_text() for text in ax.texts]
    assert cells == ["2\n50%", "2\n50%", "0\n0%", "3\n75%", "1\n25%", "0\n0%", "0", "0", "0"]
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.5, 0.5, 0], [0.75, 0.25, 0], [0, 0, 0]])


def test_axes_say_what_they_show(evaluation):
    ax = evaluation.plot_confusion_matrix()
    low, high = evaluation.intervals["accuracy"]
    assert ax.get_title() == f"accuracy 0.375 [{low:.3f}, {high:.3f}]"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "truth")
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert tuple(label.get_text() for label in labels) == NAMES
        assert not any(label.get_parse_math() for label in labels)


def test_draws_where_it_is_told_and_shows_nothing(evaluation, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("show() was called"))
    before, open_figures = dict(mpl.rcParams), plt.get_fignums()
    ax = Figure().subplots()
    assert evaluation.plot_confusion_matrix(ax=ax) is ax
    assert plt.get_fignums() == open_figures
    assert evaluation.plot_confusion_matrix() is not ax
    assert len(plt.get_fignums()) == len(open_figures) + 1
    assert dict(mpl.rcParams) == before


def test_every_label_lies_within_a_figure_of_its_own(evaluation):
    ax = evaluation.plot_confusion_matrix()
    figure = ax.figure
    figure.canvas.draw()
    whole = figure.bbox
    for artist in [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]:
        box = artist.get_window_extent()
        assert whole.x0 - 1 <= box.x0 <= box.x1 <= whole.x1 + 1
        assert whole.y0 - 1 <= box.y0 <= box.y1 <= whole.y1 + 1
