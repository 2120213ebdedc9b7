"""Phantom scans: every spec once, with its label and patient, under a name of its own."""

from __future__ import annotations

import pytest

import octlib
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


def test_specifications_are_loaded_as_they_are():
    specs = phantom_specs(4, scans_per_patient=1, severity=0.1, size=64)
    scans = octlib.load_oct_dataset(specs)
    assert [scan.origin.spec for scan in scans] == list(specs)
    assert list(octlib.load_oct_dataset(list(specs)).names) == list(scans.names)
    assert scans[0].lesion_mask().any()


def test_patients_of_two_seeds_are_other_people():
    specs = [*phantom_specs(3, seed=1), *phantom_specs(3, seed=2)]
    scans = octlib.load_oct_dataset(specs)
    assert len(set(scans.patients)) == 6
    assert len(set(scans.names)) == len(specs)


def test_what_is_no_collection_is_refused():
    specs = phantom_specs(2, scans_per_patient=1)
    with pytest.raises(ValueError, match=r"2 are of seed 0, patient 1, scan 1\. Give one collection another seed"):
        octlib.load_oct_dataset([*specs, *phantom_specs(1, device="cirrus", scans_per_patient=1)])
    with pytest.raises(TypeError, match="must all be specified by a PhantomSpec, got str among them"):
        octlib.load_oct_dataset([*specs, "scan.png"])
