"""History: its table, its picture, its words."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from octlib.training import History

EPOCHS = tuple(
    {
        "epoch": number,
        "loss": 1.5 / number,
        "accuracy": 0.3 * number,
        "val_loss": loss,
        "val_accuracy": 0.25 * number,
        "learning_rate": 0.001,
        "seconds": 0.5,
    }
    for number, loss in ((1, 1.2), (2, 0.7), (3, 0.9))
)


@pytest.fixture
def history():
    return History(EPOCHS, 2, 1.5)


@pytest.fixture
def without_validation():
    epochs = tuple({name: value for name, value in epoch.items() if "val" not in name} for epoch in EPOCHS)
    return History(epochs, 3, 1.5)


def test_table_has_a_row_an_epoch(history, without_validation):
    frame = history.to_frame()
    assert frame.to_dict("records") == list(EPOCHS)
    assert {"epoch", "loss", "accuracy", "learning_rate", "seconds"} == set(without_validation.to_frame().columns)


def test_words(history, without_validation):
    assert repr(history) == ("History(3 epochs in 1.5 s, best epoch 2: accuracy 0.600, validation accuracy 0.500)")
    assert repr(without_validation) == "History(3 epochs in 1.5 s, best epoch 3: accuracy 0.900)"
    page = history._repr_html_()
    assert "best epoch 2" in page
    assert page.count("<tr") == 4


def test_plot_shows_both_losses_and_the_best_epoch(history):
    before = dict(mpl.rcParams)
    axes = history.plot()
    assert dict(mpl.rcParams) == before
    training, validation, best = axes.get_lines()
    assert list(training.get_xdata()) == [1, 2, 3]
    assert list(training.get_ydata()) == [1.5, 0.75, 0.5]
    assert list(validation.get_ydata()) == [1.2, 0.7, 0.9]
    assert list(best.get_xdata()) == [2, 2]
    assert axes.get_xlabel() == "epoch"
    assert axes.get_ylim()[0] == 0


def test_steps_of_a_path_are_called_steps():
    steps = tuple(
        {"step": number, "l2": 10.0**-number, "loss": 1 / number, "accuracy": 0.5, "seconds": 0.1} for number in (1, 2)
    )
    history = History(steps, 2, 1.5)
    assert repr(history) == "History(2 steps in 1.5 s, best step 2: accuracy 0.500)"
    axes = history.plot()
    assert axes.get_xlabel() == "step"
    assert list(axes.get_lines()[0].get_ydata()) == [1, 0.5]
    assert list(history.to_frame()) == ["step", "l2", "loss", "accuracy", "seconds"]


def test_plot_draws_where_it_is_told(without_validation):
    axes = plt.subplots()[1]
    assert without_validation.plot(ax=axes) is axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "best epoch (3)"]
    assert len(plt.get_fignums()) == 1
