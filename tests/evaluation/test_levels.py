"""Levels: means over the scans of a volume, an eye and a patient, and where in them the finding lies."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import octlib.features
from octlib.data import load_oct_dataset
from octlib.data.columns import objects
from octlib.errors import LevelError, UndefinedMetricWarning, UnknownPatientsWarning
from octlib.evaluation import evaluate, predict, score
from octlib.models import Postprocessing

NAMES = ("CNV", "NORMAL")
# Two volumes of p1's eyes, one of them in two parts of the table, and one of p2 that has the name of p1's first.
ROWS = {
    "patient": ["p1", "p1", "p1", "p2", "p2", "p1"],
    "eye": ["left", "left", "right", "left", "left", "left"],
    "volume": ["a", "a", "b", "a", "a", "a"],
    "position": [0, 1, 0, 0, 1, 2],
    "label": ["CNV", "CNV", "NORMAL", "NORMAL", "NORMAL", "CNV"],
    "device": ["x", "x", "y", "x", "y", "x"],
}
P_CNV = np.array([0.25, 0.5, 0.25, 0.5, 0.375, 0.75], dtype=np.float32)
P_OF_VOLUMES = [0.5, 0.25, 0.4375]


@pytest.fixture
def classifier(monkeypatch):
    classifier = SimpleNamespace(class_names=NAMES, postprocessing=Postprocessing())
    numbers = lambda dataset: [int(name.split("#")[1]) for name in dataset.names]  # noqa: E731
    monkeypatch.setattr(
        octlib.features,
        "predict_probabilities",
        lambda _, dataset, **__: np.stack([P_CNV, 1 - P_CNV], axis=1)[numbers(dataset)],
    )
    monkeypatch.setattr("octlib.models.classifier.require_classifier", lambda _: None)
    return classifier


@pytest.fixture
def scans(tmp_path):
    from PIL import Image

    pages = [Image.fromarray(np.full((8, 8), number, np.uint8)) for number in range(6)]
    pages[0].save(tmp_path / "all.tif", save_all=True, append_images=pages[1:])
    return load_oct_dataset(pd.DataFrame({**ROWS, "path": str(tmp_path / "all.tif"), "frame": range(6)}))


def test_a_row_is_a_volume_of_one_patient(classifier, scans):
    table = predict(classifier, scans, level="volume")
    assert table["name"].tolist() == ["a", "b", "a"]
    assert table["patient"].tolist() == ["p1", "p1", "p2"]
    assert table["n_scans"].tolist() == [3, 1, 2]
    np.testing.assert_allclose(table["p_CNV"], P_OF_VOLUMES)
    np.testing.assert_allclose(table["p_CNV"] + table["p_NORMAL"], 1)
    assert table["p_CNV"].dtype == np.float32
    assert table["predicted"].tolist() == ["CNV", "NORMAL", "NORMAL"]
    assert table["position"].tolist() == [2, 0, 1]  # of the slice that speaks the most for that class
    assert table["strongest"].tolist() == [scans.names[5], scans.names[2], scans.names[4]]
    assert table.attrs["aggregation"] == "mean probability over the scans of each volume"


def test_the_order_of_the_scans_changes_nothing_but_the_order(classifier, scans):
    table = predict(classifier, scans, level="volume").sort_values(["name", "patient"], ignore_index=True)
    turned = predict(classifier, scans[::-1], level="volume").sort_values(["name", "patient"], ignore_index=True)
    pd.testing.assert_frame_equal(table, turned)


def test_eyes_are_those_of_their_patients(classifier, scans):
    table = predict(classifier, scans, level="eye")
    assert table["name"].tolist() == ["p1 left", "p1 right", "p2 left"]
    assert table["eye"].tolist() == ["left", "right", "left"]
    assert "position" not in table
    assert predict(classifier, scans, level="patient")["name"].tolist() == ["p1", "p2"]


def test_scans_are_judged_alone_unless_asked_otherwise(classifier, scans):
    table = predict(classifier, scans)
    pd.testing.assert_frame_equal(table, predict(classifier, scans, level="scan"))
    assert len(table) == 6
    assert len(predict(classifier, scans[[]], level="volume")) == 0


def test_an_evaluation_of_volumes(classifier, scans):
    result = evaluate(classifier, scans, level="volume")
    probabilities = np.stack([P_OF_VOLUMES, 1 - np.array(P_OF_VOLUMES)], axis=1)
    expected = score([0, 1, 1], probabilities, ["p1", "p1", "p2"], NAMES)
    assert result.metrics == expected.metrics
    assert result.intervals == expected.intervals
    assert (result.n_scans, result.n_patients, result.resampled, result.level) == (3, 2, "patient", "volume")
    assert repr(result).startswith(
        "Evaluation of 3 volumes (mean probability over the scans of each volume) of 2 patients; 95 % intervals"
    )
    assert "<th>volumes</th>" in result._repr_html_()
    assert result.to_dict()["aggregation"] == "mean probability over the scans of each volume"
    # What all scans of every volume share is kept; the device isn't.
    assert result.scans["label"].tolist() == ["CNV", "NORMAL", "NORMAL"]
    assert result.scans["eye"].tolist() == ["left", "right", "left"]
    assert "device" not in result.scans
    assert result.predictions()["position"].tolist() == [2, 0, 1]


def test_without_patients_it_is_over_volumes_and_says_so(classifier, scans):
    table = scans[[0, 1, 2]].to_frame().assign(patient=None)
    with pytest.warns(UnknownPatientsWarning, match="bootstrapped over volumes"):
        result = evaluate(classifier, load_oct_dataset(table), level="volume")
    assert (result.n_patients, result.resampled) == (None, "volume")
    assert any("where they have several volumes" in caveat for caveat in result.caveats)


def test_groups_of_several_labels_are_counted(classifier, scans):
    with pytest.raises(LevelError, match=r"1 of 2 patients have several, such as p1: CNV and NORMAL\. Label them as"):
        evaluate(classifier, scans, level="patient")
    assert len(predict(classifier, scans, level="patient")) == 2  # where labels aren't needed


def test_scans_that_do_not_tell_are_counted(classifier, scans):
    table = scans.to_frame()
    table.loc[[1, 4], "eye"] = ["unknown", ""]
    table.loc[[1, 4], "volume"] = "c"
    for verb in (predict, evaluate):
        with pytest.raises(LevelError, match=r"level='eye' needs the eye of every scan, and 2 of 6 have none, such as"):
            verb(classifier, load_oct_dataset(table), level="eye")
        with pytest.raises(ValueError, match="Unknown level 'volum': did you mean 'volume'"):
            verb(classifier, scans, level="volum")
    unnamed = replace(scans, columns={"volume": objects(["a", "None", "b", "c", " ", "a"])})
    with pytest.raises(LevelError, match=r"needs the volume of every scan, and 2 of 6 have none"):
        predict(classifier, unnamed, level="volume")
    with pytest.raises(LevelError, match=r"needs the volume of every scan, and 3 of 3 have none"):
        predict(classifier, np.zeros((3, 8, 8), np.uint8), level="volume")


def test_numbers_of_volumes_may_begin_anew_with_every_eye(classifier, scans):
    table = scans.to_frame().assign(patient="p1", eye=["OD", "od", "R", "OS", "l", "left"], volume=1)
    table = table.assign(position=[0, 1, 2, 0, 1, 2], label="CNV")
    rows = predict(classifier, load_oct_dataset(table), level="volume")
    assert rows["n_scans"].tolist() == [3, 3]
    assert rows["eye"].tolist() == ["right", "left"]
    assert len(predict(classifier, load_oct_dataset(table), level="eye")) == 2


def test_volumes_that_are_several_are_not_averaged(classifier, scans):
    table = scans.to_frame().assign(patient=None, eye=None, volume=["7", "7", "7", "7", "7", "8"])
    table = table.assign(position=[0, 1, 1.0, 2, 1, 0], label="CNV")
    said = r"1 of 2 volumes have one more often, such as 7: 3 scans at position 1\..*Give these names that differ"
    for verb in (predict, evaluate):
        with pytest.raises(LevelError, match=said):
            verb(classifier, load_oct_dataset(table), level="volume")
    columns = {"volume": objects(list("777778")), "position": objects([0, None, None, 2, "", 0])}
    assert predict(classifier, replace(scans, columns=columns), level="volume")["n_scans"].tolist() == [3, 2, 1]


def test_a_slice_without_a_patient_is_of_the_volume_of_its_name(classifier, scans):
    table = scans.to_frame().assign(patient=["p1", None, "p1", "p2", None, None], position=range(6))
    rows = predict(classifier, load_oct_dataset(table), level="volume")
    assert rows["patient"].tolist() == ["p1", None, "p1", "p2"]  # "a" is of p1 or of p2
    table["volume"] = ["a", "a", "b", "c", "c", "a"]
    result = evaluate(classifier, load_oct_dataset(table), level="volume")
    assert result.scans["patient"].tolist() == ["p1", "p1", "p2"]
    assert result.n_patients == 2


def test_an_unknown_patient_is_none_at_every_level(classifier, scans):
    unknown = load_oct_dataset(scans.to_frame().assign(patient=[*["p1"] * 3, None, None, None], volume=list("aabccd")))
    for level in ("scan", "volume"):
        patients = predict(classifier, unknown, level=level)["patient"]
        assert set(patients) == {"p1", None}
        with pytest.warns(UnknownPatientsWarning):
            result = evaluate(classifier, unknown[[0, 2, 3]], level=level)
        assert result.predictions()["patient"].tolist() == ["p1", "p1", None]


def test_further_columns_may_hold_anything(classifier, scans):
    boxes = [np.array([1, 2]), np.array([1, 2]), np.array([3]), np.array([4]), np.array([4, 4]), np.array([1, 2])]
    table = scans.to_frame().assign(size=[np.array([8, 8])] * 6, box=boxes, parts=[[np.array([1, 2])] for _ in boxes])
    nested = objects([np.array([1, 2]), np.array([3])])
    table["nested"] = [nested.copy() for _ in boxes]
    result = evaluate(classifier, load_oct_dataset(table), level="volume")
    assert [size.tolist() for size in result.scans["size"]] == [[8, 8]] * 3
    assert not {"box", "parts", "nested"} & set(result.scans)


def test_columns_that_a_table_of_the_level_has_itself_are_refused(classifier, scans):
    table = load_oct_dataset(scans.to_frame().assign(n_scans=99))
    with pytest.raises(
        LevelError, match=r"columns of the evaluation's own, and the scans have n_scans already\. Rename"
    ):
        evaluate(classifier, table, level="volume")
    assert evaluate(classifier, table).scans["n_scans"].tolist() == [99] * 6
    assert predict(classifier, table, level="volume")["n_scans"].tolist() == [3, 1, 2]


@pytest.mark.parametrize("level", ["scan", "volume", "eye", "patient"])
def test_predictions_of_an_evaluation_have_the_columns_of_predict(classifier, scans, level):
    position = range(6) if level == "volume" else 7
    same = load_oct_dataset(scans.to_frame().assign(label="CNV", position=position, device="x"))
    with pytest.warns(UndefinedMetricWarning):
        table = evaluate(classifier, same, level=level).predictions()
    pd.testing.assert_frame_equal(table.drop(columns="label"), predict(classifier, same, level=level))


def test_the_strongest_scan_is_told_by_its_place(classifier, scans):
    result = evaluate(classifier, scans, level="volume")
    assert result.strongest.tolist() == [5, 2, 4]
    assert evaluate(classifier, scans).strongest.tolist() == list(range(6))
    assert evaluate(classifier, scans[::-1], level="volume").strongest.tolist() == [0, 1, 3]


def test_patients_are_counted_once(classifier, scans):
    labels = ["CNV", "CNV", "CNV", "NORMAL", "NORMAL", "CNV"]
    result = evaluate(classifier, load_oct_dataset(scans.to_frame().assign(label=labels)), level="patient")
    assert repr(result).startswith("Evaluation of 2 patients (mean probability over the scans of each patient); 95 %")
