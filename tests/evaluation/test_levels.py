"""Levels: means over the scans of a volume, an eye and a patient, and where in them the finding lies."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import octlib.features
from octlib.data import load_oct_dataset
from octlib.errors import LevelError, UnknownPatientsWarning
from octlib.evaluation import evaluate, predict, score

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
    classifier = SimpleNamespace(class_names=NAMES)
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
    assert "position" not in table
    assert predict(classifier, scans, level="patient")["name"].tolist() == ["p1", "p2"]


def test_scans_are_judged_alone_unless_asked_otherwise(classifier, scans):
    table = predict(classifier, scans)
    pd.testing.assert_frame_equal(table, predict(classifier, scans, level="scan"))
    assert len(table) == 6


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
    table.loc[[1, 4], "eye"] = None
    for verb in (predict, evaluate):
        with pytest.raises(LevelError, match=r"level='eye' needs the eye of every scan, and 2 of 6 have none, such as"):
            verb(classifier, load_oct_dataset(table), level="eye")
        with pytest.raises(ValueError, match="Unknown level 'volum': did you mean 'volume'"):
            verb(classifier, scans, level="volum")
    with pytest.raises(LevelError, match=r"needs the volume of every scan, and 3 of 3 have none"):
        predict(classifier, np.zeros((3, 8, 8), np.uint8), level="volume")
