"""Phantom scans: every spec once, with its label and patient, under a name of its own."""

from __future__ import annotations

from octlib.data.reader import Wanted
from octlib.data.readers.phantom_scans import PhantomScans
from octlib.phantoms import phantom_specs


def test_all_specs_are_listed():
    scans = PhantomScans().read("phantoms", Wanted()).dataset
    assert [(scan.label, scan.patient, scan.origin.spec) for scan in scans] == [
        (spec.label, spec.patient, spec) for spec in phantom_specs()
    ]
    assert len({scan.name for scan in scans}) == len(scans)
    assert {scan.label for scan in scans} == set(scans.class_names)
