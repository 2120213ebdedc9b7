"""Flat: all images, no labels."""

from __future__ import annotations

from octlib.data.readers.flat import read_flat
from octlib.data.readers.tree import read_tree


def test_every_image_without_a_label(plant):
    root = plant("b.png", "DME-12-3.jpeg", "CNV/a.png")
    reading = read_flat(read_tree(root), root)
    assert [(scan.name, scan.label, scan.patient) for scan in reading.scans] == [
        ("DME-12-3.jpeg", None, "12"),
        ("b.png", None, None),
        ("CNV/a.png", None, None),
    ]
    assert reading.class_names == ()
