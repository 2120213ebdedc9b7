"""By group: the figures of each group are those of its scans alone, and none is passed over."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from octlib.errors import UndefinedMetricWarning
from octlib.evaluation import score
from octlib.evaluation.groups import find_groups

NAMES = ("CNV", "NORMAL")


def scans(n=48):
    rng = np.random.default_rng(0)
    truth = np.arange(n) % 2
    first = np.where(truth == 0, 0.7, 0.3) + rng.uniform(-0.3, 0.3, n)
    return truth, np.stack([first, 1 - first], axis=1), np.arange(n) // 4


def evaluation(columns, **options):
    truth, probabilities, patients = scans()
    result = score(truth, probabilities, patients, NAMES, **options)
    return dataclasses.replace(result, scans=result.scans.assign(**columns))


@pytest.fixture
def by_device():
    return evaluation({"device": ["Cirrus", "Spectralis", None] * 16}, confidence=0.8, seed=3).by("device")


def test_a_group_is_what_its_scans_alone_would_be(by_device):
    truth, probabilities, patients = scans()
    for place, name in enumerate(["Cirrus", "Spectralis", "missing"]):
        alone = score(truth[place::3], probabilities[place::3], patients[place::3], NAMES, confidence=0.8, seed=3)
        assert by_device.evaluations[name].to_dict() == alone.to_dict()
        assert by_device.evaluations[name].strongest.tolist() == list(range(place, 48, 3))


def test_the_table_has_the_rows_of_every_group(by_device):
    table = by_device.to_frame()
    assert list(table.columns) == ["group", "patients", "metric", "class", "value", "low", "high", "support"]
    assert table["group"].unique().tolist() == ["Cirrus", "Spectralis", "missing"]
    part = table[table["group"] == "missing"].drop(columns=["group", "patients"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(part, by_device.evaluations["missing"].to_frame())
    assert (table["patients"] == 12).all()


def test_text_and_html_show_each_group(by_device):
    cirrus = by_device.evaluations["Cirrus"]
    lines = repr(by_device).splitlines()
    assert lines[0] == "Evaluation of 48 scans by device; 80 % intervals over patients"
    assert lines[1].split()[:4] == ["device", "scans", "patients", "accuracy"]
    assert lines[2].startswith(f"Cirrus         16        12  {cirrus.accuracy:.3f} [")
    assert "not a medical device" in lines[-1]
    assert f"<th>Cirrus</th><td>16</td><td>12</td><td>{cirrus.accuracy:.3f} [" in by_device._repr_html_()


def test_hostile_values_are_escaped_and_drawn():
    grouped = evaluation({"$a$": ["<b>", "<b>", "_$x$", "_$x$"] * 12}).by("$a$")
    assert "<b>" not in grouped._repr_html_()
    assert "&lt;b&gt;" in grouped._repr_html_()
    ax = grouped.plot_metric()
    ax.figure.canvas.draw()
    assert ax.get_xticklabels()[0].get_text().startswith("<b>")
    plt.close(ax.figure)


def test_bars_are_values_and_lines_their_intervals(by_device):
    ax = by_device.plot_metric("recall")
    evaluations = list(by_device.evaluations.values())
    heights = [[bar.get_height() for bar in bars] for bars in ax.containers]
    assert heights == [[each.recall[name] for each in evaluations] for name in NAMES]
    ends = [tuple(path.vertices[:, 1]) for path in ax.collections[0].get_paths()]
    assert ends == [each.intervals["recall"]["CNV"] for each in evaluations]
    assert ax.get_ylim() == (0, 1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(NAMES)
    plt.close(ax.figure)


def test_a_metric_that_can_be_negative_or_two_has_its_own_axis(by_device):
    figure, axes = plt.subplots(2)
    assert by_device.plot_metric("mcc", ax=axes[0]).get_ylim() == (-1, 1)
    assert by_device.plot_metric("brier", ax=axes[1]).get_ylim() == (0, 2)
    assert "lower is better" in axes[1].get_ylabel()
    plt.close(figure)


def test_absent_classes_are_warned_of_once_for_all_groups():
    truth = scans()[0]
    with pytest.warns(UndefinedMetricWarning) as caught:
        grouped = evaluation({"site": np.where(truth == 0, "A", np.where(np.arange(48) < 24, "B", "C"))}).by("site")
    assert len(caught) == 1
    assert "absent from 3 of the 3 groups by 'site': A (NORMAL), B (CNV), C (CNV)." in str(caught[0].message)
    assert caught[0].filename == __file__
    assert np.isnan(grouped.evaluations["A"].recall["NORMAL"])
    ax = grouped.plot_metric("recall")
    assert sum(text.get_text() == "undefined" for text in ax.texts) == 3
    plt.close(ax.figure)


def test_groups_of_one_patient_are_warned_of_once():
    with pytest.warns(
        UndefinedMetricWarning, match="2 of the 3 groups by 'site', each of one patient.*alone: 0, 1"
    ) as caught:
        grouped = evaluation({"site": np.minimum(np.arange(48) // 4, 2)}).by("site")
    assert len(caught) == 1
    assert np.isnan(grouped.evaluations["0"].intervals["accuracy"]).all()
    accuracy = grouped.evaluations["0"].accuracy
    assert repr(grouped).splitlines()[2].split()[:4] == ["0", "4", "1", f"{accuracy:.3f}"]


def test_an_unknown_column_is_an_error_with_a_suggestion():
    with pytest.raises(ValueError, match="Unknown column 'devise': did you mean 'device'.*label, patient, device"):
        evaluation({"device": "Cirrus"}).by("devise")


def test_an_unknown_metric_is_an_error_with_a_suggestion(by_device):
    with pytest.raises(ValueError, match="Unknown metric 'acuracy': did you mean 'accuracy'"):
        by_device.plot_metric("acuracy")


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        ([10, 9.5, 9, 10.0], ["9", "9.5", "10"]),
        (["b", "a", None, "b"], ["a", "b", "missing"]),
        (["missing", float("nan"), "10", "9"], ["9", "10", "missing", "(missing)"]),
        (pd.Categorical(["OS", "OD", "OS", None]), ["OD", "OS", "missing"]),
        ([True, False, True, True], ["False", "True"]),
        (["nan", "inf", "1", ""], ["1", "inf", "missing"]),
    ],
)
def test_groups_are_the_values_in_order_and_missing_ones_last(values, groups):
    found = find_groups(pd.DataFrame({"column": values}), "column")
    assert list(found) == groups
    assert sorted(np.concatenate(list(found.values())).tolist()) == [0, 1, 2, 3]
