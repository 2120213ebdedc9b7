"""Phantom scans: every spec once, with its label and patient, under a name of its own."""

from __future__ import annotations

from octlib.data.readers.phantom_scans import read_phantoms
from octlib.phantoms import phantom_specs


def test_all_specs_are_listed():
    reading = read_phantoms()
    assert [(scan.label, scan.patient, scan.origin.spec) for scan in reading.scans] == [
        (spec.label, spec.patient, spec) for spec in phantom_specs()
    ]
    assert len({scan.name for scan in reading.scans}) == len(reading.scans)
    assert {scan.label for scan in reading.scans} == set(reading.class_names)
