"""Prediction sets: they hold the true class as often as they promise, patient by patient."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest

import octlib
from octlib._bootstrap import bca_interval
from octlib.calibration.conformal import find_least
from octlib.calibration.patients import number_patients, one_scan_each
from octlib.errors import CalibrationError, UnknownPatientsWarning
from octlib.models import Postprocessing

MODULE = import_module("octlib.calibration.prediction_sets")
NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")

THREE = Postprocessing(coverage=0.9, least=0.3)


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_sets_cover_what_they_promise_though_patients_differ_in_their_scans(world: Any, coverage: float) -> None:
    # Patients have 1 to 40 scans that are all alike, so that scans are far from independent.
    rng = np.random.default_rng(1)
    covered = []
    for seed in range(150):
        made = world(79, scans_each=1, seed=seed)
        calibrating, others = np.arange(79) < 39, np.arange(79) >= 39
        places = np.repeat(np.flatnonzero(calibrating), rng.integers(1, 40, 39))
        scans = made.scans[places]
        chosen = one_scan_each(scans, number_patients(scans, seed), seed)
        assert len(chosen) == 39
        least = find_least(made.probabilities[places][chosen], made.labels[places][chosen], coverage)
        sets = Postprocessing(coverage=coverage, least=least).sets(made.probabilities[others])
        covered.append(sets[np.arange(40), made.labels[others]].mean())
    error = np.std(covered) / math.sqrt(len(covered))
    assert abs(np.mean(covered) - coverage) < 3 * error  # (39 + 1) times the coverage is whole, so it is exact


def test_one_scan_of_each_patient_and_each_scan_at_times(world: Any) -> None:
    made = world(20, scans_each=5)
    seen = set()
    for seed in range(60):
        chosen = one_scan_each(made.scans, number_patients(made.scans, seed), seed)
        assert sorted(made.patients[place] for place in chosen) == sorted(set(made.patients))
        seen |= set(chosen.tolist())
    assert seen == set(range(100))


def test_the_figures_by_hand(classifier: Any, world: Any) -> None:
    made = world(2, scans_each=2, seed=3)
    rows = np.array([[0.9, 0.1, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4, [0.0, 0.0, 0.1, 0.9]], np.float32)
    made.probabilities[:] = rows
    classifier.postprocessing = THREE
    scans = replace(made.scans, labels=np.array([0, 0, 1, 2]))
    found = octlib.prediction_sets(classifier, scans)
    assert found.sets.tolist() == [
        [True, False, False, False],
        [True, True, False, False],
        [False] * 4,
        [*[False] * 3, True],
    ]
    # The first patient: covered 1, sizes 1 and 2; the second: covered 0, sizes 0 and 1.
    assert (found.covered, found.size, found.empty, found.single) == (0.5, 1.0, 0.25, 0.5)
    assert {name: value for name, value in found.covered_by_class.items() if name != "NORMAL"} == {
        "CNV": 1.0,
        "DME": 0.0,
        "DRUSEN": 0.0,
    }
    assert math.isnan(found.covered_by_class["NORMAL"])
    assert (found.n_scans, found.n_patients, found.coverage) == (4, 2, 0.9)


def test_each_patient_counts_once(classifier: Any, world: Any) -> None:
    made = world(50)
    classifier.postprocessing = THREE
    found = octlib.prediction_sets(classifier, made.scans)
    more = octlib.prediction_sets(classifier, made.scans[np.repeat(np.arange(100), np.arange(100) // 2 % 7 + 1)])
    assert (more.covered, more.size) == pytest.approx((found.covered, found.size))
    low, high = found.intervals["covered"]
    assert low < found.covered < high
    assert octlib.prediction_sets(classifier, made.scans[::-1]).intervals["covered"] == pytest.approx((low, high))


def test_intervals_are_over_patients_and_not_over_scans(classifier: Any, world: Any) -> None:
    classifier.postprocessing = THREE
    few, many = (octlib.prediction_sets(classifier, world(60, scans_each=n).scans) for n in (1, 20))
    widths = [each.intervals["covered"][1] - each.intervals["covered"][0] for each in (few, many)]
    assert widths[1] == pytest.approx(widths[0], rel=0.2)
    wide = octlib.prediction_sets(classifier, world(60).scans, confidence=0.99).intervals["size"]
    narrow = octlib.prediction_sets(classifier, world(60).scans, confidence=0.5).intervals["size"]
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_intervals_know_what_the_figures_are_without_each_patient(
    classifier: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def watched(value: float, drawn: np.ndarray, left_out: np.ndarray, confidence: float) -> tuple[float, float]:
        seen.append((value, left_out))
        return bca_interval(value, drawn, left_out, confidence)

    monkeypatch.setattr(MODULE, "bca_interval", watched)
    made = world(6)
    classifier.postprocessing = THREE
    found = octlib.prediction_sets(classifier, made.scans)
    (covered, without), (size, _), *_ = seen
    assert (covered, size) == (found.covered, found.size)
    patients = np.array(made.patients)
    rest = [octlib.prediction_sets(classifier, made.scans.subset(patients != each)) for each in sorted(set(patients))]
    np.testing.assert_allclose(sorted(without), sorted(each.covered for each in rest))


def test_one_patient_has_no_interval(classifier: Any, world: Any) -> None:
    classifier.postprocessing = THREE
    found = octlib.prediction_sets(classifier, world(1).scans)
    assert math.isnan(found.intervals["size"][0])
    assert json.loads(json.dumps(found.to_dict()))["intervals"]["size"] == [None, None]


def test_the_table_and_what_is_shown(classifier: Any, world: Any) -> None:
    classifier.postprocessing = THREE
    found = octlib.prediction_sets(classifier, world(50).scans)
    table = found.to_frame()
    assert list(table.columns) == ["metric", "class", "value", "low", "high", "support"]
    assert table["metric"].tolist() == ["covered", "size", "single", "empty", *["covered"] * 4]
    assert table["class"].tolist() == ["", "", "", "", *NAMES]
    assert table["support"].tolist()[4:] == np.bincount(found.truth).tolist()
    for text in (repr(found), found._repr_html_()):
        for part in ("100 scans of 50 patients", f"{found.covered:.3f}", "coverage of 0.9", "covered DRUSEN"):
            assert part in text


def test_what_is_missing_is_told(classifier: Any, world: Any) -> None:
    made = world(4)
    with pytest.raises(CalibrationError, match="must have prediction sets, and it has none.*coverage=0.9"):
        octlib.prediction_sets(classifier, made.scans)
    classifier.postprocessing = THREE
    with pytest.raises(ValueError, match="prediction_sets needs at least one scan"):
        octlib.prediction_sets(classifier, made.scans[:0])
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        octlib.prediction_sets(classifier, made.scans, confidence=95)
    with pytest.warns(UnknownPatientsWarning, match="8 of 8 scans have no patient"):
        octlib.prediction_sets(classifier, replace(made.scans, patients=None))


# In tables of predictions


def test_the_column_of_sets(classifier: Any, world: Any, tmp_path: Any) -> None:
    made = world(2)
    made.probabilities[:] = [[0.9, 0.1, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4, [0.0, 0.35, 0.32, 0.33]]
    assert "set" not in octlib.predict(classifier, made.scans)
    classifier.postprocessing = THREE
    table = octlib.predict(classifier, made.scans)
    assert list(table.columns)[3:6] == ["predicted", "set", "p_CNV"]
    assert table["set"].tolist() == ["CNV", "CNV|DME", "", "DME|DRUSEN|NORMAL"]
    table.to_csv(tmp_path / "p.csv", index=False)
    assert pd.read_csv(tmp_path / "p.csv", keep_default_na=False)["set"].tolist() == table["set"].tolist()


def test_there_are_no_sets_where_nothing_was_promised(classifier: Any, world: Any) -> None:
    made = world(3)
    classifier.postprocessing = THREE
    assert "set" in octlib.predict(classifier, made.scans, flips=False)
    assert "set" not in octlib.predict(classifier, made.scans, flips=True)
    assert "set" not in octlib.predict(classifier, made.scans, level="patient")
