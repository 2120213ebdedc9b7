"""The comparison object: the same numbers as text, HTML, table, JSON and plot."""

from __future__ import annotations

import dataclasses
import json
import pickle

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from octlib.evaluation import METRICS, compare_evaluations, score
from octlib.evaluation.rendering import NOTICE

NAMES = ("CNV", "<b>$x$")


def make(names):
    truth = np.arange(60) % 2
    strengths = dict(zip(names, (0.3, 0.2, 0.1), strict=False))
    return compare_evaluations(
        {
            name: score(
                truth,
                (1 - strength) * np.random.default_rng(number).dirichlet([1, 1], size=60) + strength * np.eye(2)[truth],
                np.arange(60) // 4,
                NAMES,
            )
            for number, (name, strength) in enumerate(strengths.items())
        }
    )


@pytest.fixture(scope="module")
def comparison():
    return make(["one", "<i>two", "three"])


def test_frame_has_a_row_for_each_pair_metric_and_class(comparison):
    table = comparison.to_frame()
    rows = sum(2 if metric.by_class else 1 for metric in METRICS.values())
    assert len(table) == 3 * rows
    row = table[(table["first"] == "one") & (table["second"] == "three") & (table["metric"] == "accuracy")].iloc[0]
    pair = comparison.pairs["one", "three"]
    assert row["difference"] == row["first_value"] - row["second_value"] == pair.differences["accuracy"]
    assert (row["low"], row["high"]) == pair.intervals["accuracy"]
    assert (row["statistic"], row["p"], row["p_holm"]) == dataclasses.astuple(pair.mcnemar)
    aurocs = table[table["metric"] == "auroc"]
    assert aurocs["p"].notna().all()
    assert table[~table["metric"].isin(["accuracy", "auroc"])]["p"].isna().all()


def test_dict_survives_json(comparison):
    plain = comparison.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    pair = comparison.pairs["one", "three"]
    assert [each["first"] + each["second"] for each in plain["pairs"]] == ["one<i>two", "onethree", "<i>twothree"]
    assert plain["pairs"][1]["mcnemar"] == dataclasses.asdict(pair.mcnemar)
    assert plain["pairs"][1]["intervals"]["f1"]["CNV"] == list(pair.intervals["f1"]["CNV"])
    assert plain["metrics"]["one"]["accuracy"] == comparison.metrics["one"]["accuracy"]


def test_it_is_frozen_and_survives_another_process(comparison):
    with pytest.raises(dataclasses.FrozenInstanceError):
        comparison.n_scans = 5
    again = pickle.loads(pickle.dumps(comparison))  # noqa: S301 - our own bytes
    assert again.to_dict() == comparison.to_dict()
    assert repr(again) == repr(comparison)


def test_text_says_all_that_is_needed_to_read_it(comparison):
    lines = repr(comparison).splitlines()
    assert lines[0] == "Comparison of one, <i>two and three on 60 scans of 15 patients"
    assert lines[-4:] == [
        "p: accuracy by McNemar's test, AUROCs by DeLong's, over patients, corrected by Holm (3 and 3 tests).",
        "Intervals of 95 %, bootstrapped over patients.",
        "From as few as 15 patients, intervals are rough, and some of them too narrow.",
        NOTICE,
    ]
    pair = comparison.pairs["one", "<i>two"]
    low, high = pair.intervals["accuracy"]
    accuracy = next(line for line in lines if line.startswith("accuracy"))
    assert f"{pair.differences['accuracy']:+.3f} [{low:+.3f}, {high:+.3f}]  {pair.mcnemar.p_holm:.3f}" in accuracy
    assert "-0.000" not in repr(make(["a", "b"]))


def test_html_is_escaped(comparison):
    page = comparison._repr_html_()
    assert "<i>" not in page
    assert "<b>" not in page
    assert page.count("<table>") == page.count("</table>") == 3
    assert "&lt;i&gt;two - three" in page
    assert NOTICE in page


def test_the_plot_holds_differences_and_intervals(comparison):
    ax = comparison.plot_differences()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[0] == "accuracy"
    assert "F1 <b>$x$" in labels
    points = {line.get_label(): line.get_xdata() for line in ax.lines if not line.get_label().startswith("_")}
    assert list(points) == ["one - <i>two", "one - three", "<i>two - three"]
    pair = comparison.pairs["one", "three"]
    assert points["one - three"][0] == pair.differences["accuracy"]
    assert points["one - three"][labels.index("AUROC CNV")] == pair.differences["auroc"]["CNV"]
    spans = [bars.get_segments() for bars in ax.collections]
    assert tuple(spans[1][0][:, 0]) == pair.intervals["accuracy"]
    # From above in the order of the rows, and the pairs of a row apart from each other.
    bottom, top = ax.get_ylim()
    assert bottom > top
    assert len({segments[0][0, 1] for segments in spans}) == 3


def test_a_single_pair_is_named_at_the_axis_and_needs_no_legend():
    ax = make(["a_$x$", "b"]).plot_differences()
    assert ax.get_xlabel() == "difference: a_$x$ - b"
    assert not ax.xaxis.label.get_parse_math()
    assert ax.get_legend() is None


@pytest.mark.filterwarnings("ignore::octlib.errors.OctlibWarning")
def test_what_is_undefined_is_drawn_and_written_all_the_same():
    single = score([0, 0], np.eye(2)[[0, 1]], ["p", "p"], ["CNV", "DME"])
    comparison = compare_evaluations({"a": single, "b": single})
    comparison.plot_differences().figure.canvas.draw()
    assert json.dumps(comparison.to_dict(), allow_nan=False)
    assert "There are no intervals: they need more than one patient." in repr(comparison)
    assert "undefined" in repr(comparison)


def test_plots_draw_where_they_are_told_and_touch_no_settings(comparison):
    before = dict(mpl.rcParams)
    ax = Figure().subplots()
    assert comparison.plot_differences(ax=ax) is ax
    assert dict(mpl.rcParams) == before
