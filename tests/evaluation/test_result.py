"""The evaluation object: numbers first, and the same numbers in every form."""

from __future__ import annotations

import dataclasses
import json
import pickle

import numpy as np
import pytest

from octlib.evaluation import METRICS, Metric, score
from octlib.evaluation.arithmetic import divide

NAMES = ("CNV", "DME", "NORMAL")
OF_THE_WHOLE = [name for name, metric in METRICS.items() if not metric.by_class]
BY_CLASS = [name for name, metric in METRICS.items() if metric.by_class]


@pytest.fixture(scope="module")
def evaluation():
    rng = np.random.default_rng(0)
    truth = np.arange(60) % 3
    probabilities = rng.dirichlet(np.ones(3), size=60) * 1.6 + np.eye(3)[truth] * 0.4
    return score(truth, probabilities / 2, np.arange(60) // 4, NAMES)


def test_metrics_are_plain_numbers_by_class_name(evaluation):
    assert all(type(getattr(evaluation, name)) is float for name in OF_THE_WHOLE)
    for name in BY_CLASS:
        values = getattr(evaluation, name)
        assert tuple(values) == NAMES
        assert all(type(value) is float for value in values.values())


def test_confusion_matrix_agrees_with_the_metrics(evaluation):
    matrix = evaluation.confusion_matrix
    assert matrix.sum() == evaluation.n_scans == 60
    assert matrix.trace() / 60 == pytest.approx(evaluation.accuracy)
    assert matrix[1, 1] / matrix[1].sum() == pytest.approx(evaluation.recall["DME"])
    assert matrix[1, 1] / matrix[:, 1].sum() == pytest.approx(evaluation.precision["DME"])


def test_nothing_in_it_can_be_replaced(evaluation):
    with pytest.raises(dataclasses.FrozenInstanceError):
        evaluation.accuracy = 1.0
    with pytest.raises(ValueError, match="read-only"):
        evaluation.confusion_matrix[0, 0] = 5


def test_intervals_mirror_the_metrics(evaluation):
    plain = evaluation.to_dict()
    assert list(plain["intervals"]) == list(METRICS)
    for name in OF_THE_WHOLE:
        low, high = evaluation.intervals[name]
        least, most = METRICS[name].limits
        assert least <= low < plain[name] < high <= most
    for name in BY_CLASS:
        assert plain["intervals"][name].keys() == plain[name].keys()


def test_dict_survives_json(evaluation):
    plain = evaluation.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["f1"]["CNV"] == evaluation.f1["CNV"]
    assert plain["intervals"]["f1"]["CNV"] == list(evaluation.intervals["f1"]["CNV"])
    assert plain["class_names"] == list(NAMES)
    assert np.array_equal(plain["confusion_matrix"], evaluation.confusion_matrix)
    assert [plain[key] for key in ("n_scans", "n_patients", "confidence", "resampled")] == [60, 15, 0.95, "patient"]
    left_out = {"metrics", "probabilities", "truth", "scans", "strongest"}
    kept = {field.name for field in dataclasses.fields(evaluation)} - left_out
    assert plain.keys() == kept | METRICS.keys() | {"n_scans", "aggregation"}


def test_frame_has_a_row_for_every_metric_and_class(evaluation):
    frame = evaluation.to_frame()
    assert list(frame.columns) == ["metric", "class", "value", "low", "high", "support"]
    assert len(frame) == len(OF_THE_WHOLE) + 3 * len(BY_CLASS)
    row = frame[(frame["metric"] == "recall") & (frame["class"] == "DME")].iloc[0]
    assert (row["low"], row["high"]) == evaluation.intervals["recall"]["DME"]
    assert row["value"] == evaluation.recall["DME"]
    assert row["support"] == 20
    assert (frame.loc[frame["class"] == "", "support"] == 60).all()


def test_frame_stays_numeric_where_metrics_are_undefined():
    with pytest.warns(UserWarning, match="No scan is of class DME"):
        frame = score([0, 0, 0], np.eye(2)[[0, 0, 0]], ["p1", "p2", "p3"], ["CNV", "DME"]).to_frame()
    assert frame[["value", "low", "high"]].dtypes.eq(float).all()
    undefined = frame[frame["value"].isna()]
    assert frame[["low", "high"]].isna().all(axis=1).equals(frame["value"].isna())
    of_the_absent = set(undefined.loc[undefined["class"] == "DME", "metric"])
    assert of_the_absent == {"f1", "recall", "precision", "auroc", "average_precision"}
    assert set(undefined.loc[undefined["class"] == "CNV", "metric"]) == {"specificity", "npv", "auroc"}
    alone = {"cohen_kappa", "quadratic_kappa", "mcc", "macro_auroc"}
    assert set(undefined.loc[undefined["class"] == "", "metric"]) == alone


def test_evaluation_survives_another_process(evaluation):
    assert pickle.loads(pickle.dumps(evaluation)).to_dict() == evaluation.to_dict()  # noqa: S301 - our own bytes


def test_metrics_are_found_by_name_and_others_are_not(evaluation):
    assert set(METRICS) <= set(dir(evaluation))
    assert evaluation.accuracy == evaluation.metrics["accuracy"]
    with pytest.raises(AttributeError, match="no attribute 'acuracy'"):
        _ = evaluation.acuracy


def test_scans_are_kept_with_what_is_known_of_them(evaluation):
    assert list(evaluation.scans.columns) == ["label", "patient"]
    assert evaluation.scans["label"].tolist() == [NAMES[index] for index in evaluation.truth]
    assert evaluation.scans["patient"].tolist() == [str(index // 4) for index in range(60)]
    recalls = (evaluation.predictions()["predicted"] == evaluation.scans["label"]).groupby(evaluation.scans["label"])
    assert recalls.mean().to_dict() == pytest.approx(evaluation.recall)


def test_predictions_are_a_table_of_what_was_evaluated(evaluation):
    table = evaluation.predictions()
    assert list(table.columns) == ["patient", "label", "predicted", "p_CNV", "p_DME", "p_NORMAL"]
    assert np.array_equal(table[[f"p_{name}" for name in NAMES]].to_numpy(), evaluation.probabilities)
    assert np.flatnonzero(table["label"] != table["predicted"]).tolist() == sorted(evaluation.errors())


def test_a_further_metric_is_one_entry(monkeypatch):
    """Youden's index: what it needs stands here, and nothing else has to know of it."""

    def value(truth, probabilities):
        return METRICS["recall"].value(truth, probabilities) + METRICS["specificity"].value(truth, probabilities) - 1

    def resampled(resamples):
        others = resamples.total - resamples.support
        return divide(resamples.hits, resamples.support) + divide(resamples.rejected, others) - 1

    entry = Metric("youden", "Youden's J", "sensitivity + specificity - 1", True, value, resampled, limits=(-1, 1))
    monkeypatch.setitem(METRICS, "youden", entry)
    truth = np.arange(60) % 3
    result = score(truth, np.eye(3)[np.roll(truth, 1) * (np.arange(60) > 30)], np.arange(60) // 4, NAMES)
    low, high = result.intervals["youden"]["DME"]
    assert low < result.youden["DME"] < high
    frame = result.to_frame()
    assert (frame["metric"] == "youden").sum() == 3
    shown = entry.show(result.youden["DME"], (low, high))
    assert f"Youden's J (-1 to 1) DME     {shown}" in repr(result)
    assert f"<td>{shown}</td>" in result._repr_html_()
    assert "<th>Youden&#x27;s J (-1 to 1)</th>" in result._repr_html_()
    assert result.to_dict()["youden"] == result.youden
    assert result.to_dict()["intervals"]["youden"]["DME"] == [low, high]


def test_errors_are_positions_the_most_confident_first_and_ties_in_order():
    probabilities = [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3], [0.3, 0.7], [0.6, 0.4]]
    result = score([0, 0, 0, 1, 0, 1], np.array(probabilities), [f"p{number}" for number in range(6)], ["CNV", "DME"])
    assert result.errors().tolist() == [1, 3, 4, 2, 5]
    assert result.errors(2).tolist() == [1, 3]
    assert result.errors(0).tolist() == []
    assert result.errors(99).tolist() == result.errors().tolist()
    with pytest.raises(ValueError, match="0 or more.*got -1"):
        result.errors(-1)


@pytest.mark.filterwarnings("ignore:No scan is of class")
def test_many_errors_of_equal_confidence_stay_in_the_order_of_the_scans():
    sure = np.tile([True, False], 100)
    probabilities = np.where(sure[:, None], [0.9, 0.1], [0.6, 0.4])
    result = score(np.ones(200, dtype=int), probabilities, np.arange(200), ["CNV", "DME"])
    assert result.errors().tolist() == [*range(0, 200, 2), *range(1, 200, 2)]


def test_without_errors_there_are_no_positions():
    result = score([0, 1], np.eye(2), ["p1", "p2"], ["CNV", "DME"])
    assert result.errors().shape == (0,)
    assert np.issubdtype(result.errors().dtype, np.integer)


def test_errors_agree_with_the_confusion_matrix(evaluation):
    matrix = evaluation.confusion_matrix
    assert len(evaluation.errors()) == matrix.sum() - matrix.trace() > 0
