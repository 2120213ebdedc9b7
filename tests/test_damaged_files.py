"""Damaged files: a result or an error that names the file, and nothing else, whatever has happened to it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).parents[1] / "benchmarks" / "damaged_files.py"
TRIALS = 20  # of each kind; the script makes as many as one likes
NEEDED = {"DICOM": "pydicom", "Parquet": "pyarrow"}


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("damaged_files", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()


@pytest.mark.parametrize("kind", SCRIPT.KINDS)
def test_damage_is_told(kind: str) -> None:
    if kind in NEEDED:
        pytest.importorskip(NEEDED[kind])
    outcomes = [SCRIPT.trial(kind, number, seed=1) for number in range(TRIALS)]
    assert [each for each in outcomes if each[0].startswith("finding")] == []
    assert any(outcome.startswith("an error") for outcome, _ in outcomes)


def test_what_is_sound_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SCRIPT, "damaged", lambda content, rng: content)
    for kind in set(SCRIPT.KINDS) - {each for each, name in NEEDED.items() if importlib.util.find_spec(name) is None}:
        assert SCRIPT.trial(kind, 0) == ("result", "")
