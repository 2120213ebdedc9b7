"""Reading: without classes and remarks unless a reader says so."""

from __future__ import annotations

from octlib.data.readers.reading import Reading


def test_defaults_say_nothing():
    assert Reading(()) == Reading(scans=(), class_names=(), remarks=())
