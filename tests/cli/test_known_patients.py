"""Known patients: whoever is in the tables beside a classifier is told, whichever table it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import octlib
from octlib.cli import known_patients
from octlib.cli.known_patients import CALIBRATED_ON, SPLIT, warn_of_known_patients


@pytest.fixture
def said(monkeypatch):
    heard = []
    monkeypatch.setattr(known_patients, "warn", heard.append)
    return heard


def scans(*patients):
    return octlib.load_oct_dataset((np.zeros((len(patients), 8, 8), np.uint8), None, list(patients)))


def test_only_patients_who_had_a_part_are_told(tmp_path, said):
    table = pd.DataFrame({"patient": ["a", "b", "c"], "part": ["train", "validation", "test"]})
    table.to_csv(tmp_path / SPLIT, index=False)
    warn_of_known_patients(tmp_path / "classifier", scans("c", "d", None))
    assert said == []
    warn_of_known_patients(tmp_path / "classifier", scans("a", "a", "b", "c"))
    assert len(said) == 1
    assert said[0].startswith("2 patients of the folder")
    warn_of_known_patients(tmp_path / "classifier", scans("b"), ("train",), "never mind")
    assert len(said) == 1


def test_both_tables_are_looked_at(tmp_path, said):
    pd.DataFrame({"patient": ["a"], "part": ["train"]}).to_csv(tmp_path / SPLIT, index=False)
    pd.DataFrame({"patient": ["b"], "part": ["calibration"]}).to_csv(tmp_path / CALIBRATED_ON, index=False)
    warn_of_known_patients(tmp_path / "classifier", scans("a", "b"))
    assert [SPLIT in said[0], CALIBRATED_ON in said[1]] == [True, True]


def test_tables_that_say_nothing_of_patients_do_no_harm(tmp_path, said):
    (tmp_path / SPLIT).write_bytes(b"\xff\xfename,part\n")
    warn_of_known_patients(tmp_path / "classifier", scans("a"))
    assert said == []
