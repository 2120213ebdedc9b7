"""Damaged files: a result or an error that names the file, and nothing else, whatever has happened to it."""

from __future__ import annotations

import importlib.util

import damaged_files as script
import pytest

TRIALS = 20  # of each kind; the script makes as many as one likes
NEEDED = {"DICOM": "pydicom", "Parquet": "pyarrow", **dict.fromkeys(script.DEVICES, "oct_converter"), "VOL": "eyepy"}


@pytest.mark.parametrize("kind", script.KINDS)
def test_damage_is_told(kind: str) -> None:
    if kind in NEEDED:
        pytest.importorskip(NEEDED[kind])
    outcomes = [script.trial(kind, number, seed=1) for number in range(TRIALS)]
    assert [each for each in outcomes if each[0].startswith("finding")] == []
    assert any(outcome.startswith("an error") for outcome, _ in outcomes)


def test_what_is_sound_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "damaged", lambda content, rng: content)
    for kind in set(script.KINDS) - {each for each, name in NEEDED.items() if importlib.util.find_spec(name) is None}:
        assert script.trial(kind, 0) == ("result", "")
