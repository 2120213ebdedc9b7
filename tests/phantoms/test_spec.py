"""Specification: collections are balanced and nested; what is impossible is refused."""

from __future__ import annotations

from collections import Counter

import pytest

from octlib.phantoms import DEVICES, PhantomSpec, phantom_specs


def test_classes_take_turns_and_patients_keep_theirs():
    specs = phantom_specs(8, scans_per_patient=3)
    assert Counter(spec.label for spec in specs) == dict.fromkeys(("CNV", "DME", "DRUSEN", "NORMAL"), 6)
    assert len({(spec.patient, spec.label) for spec in specs}) == 8
    assert [spec.patient for spec in specs[::3]] == [f"P{number:04d}" for number in range(1, 9)]


def test_a_larger_collection_contains_a_smaller_one():
    assert set(phantom_specs(3, scans_per_patient=1, seed=7)) < set(phantom_specs(5, scans_per_patient=2, seed=7))


@pytest.mark.parametrize("name", DEVICES)
def test_size_is_the_devices_own_unless_asked(name):
    assert PhantomSpec("CNV", 1, 1, device=name).shape == DEVICES[name].size
    assert PhantomSpec("CNV", 1, 1, device=name, size=(80, 96)).shape == (80, 96)
    assert phantom_specs(1, device=name, size=100)[0].size == (100, 100)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label": "DRUSSEN"}, "did you mean 'DRUSEN'"),
        ({"device": "spektralis"}, "did you mean 'spectralis'"),
        ({"size": 32}, "at least 64 pixels"),
        ({"number": 0}, "number must be a whole number from 1 on, got 0"),
        ({"scan": 0}, "scan must be a whole number from 1 on, got 0"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"severity": 0}, r"severity must be in \(0, 1\], got 0"),
        ({"severity": 1.5}, r"severity must be in \(0, 1\], got 1.5"),
        ({"averaging": 0}, "averaging must be a whole number from 1 on, got 0"),
    ],
)
def test_impossible_specifications_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        PhantomSpec(**{"label": "CNV", "number": 1, "scan": 1} | fields)


@pytest.mark.parametrize("arguments", [{"n_patients": 0}, {"scans_per_patient": 0}])
def test_empty_collections_are_refused(arguments):
    with pytest.raises(ValueError, match="must be a whole number from 1 on, got 0"):
        phantom_specs(**arguments)
