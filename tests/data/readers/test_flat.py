"""Flat: all images, no labels."""

from __future__ import annotations

from octlib.data.reader import Wanted
from octlib.data.readers.flat import Flat
from octlib.data.tree import read_tree


def test_every_image_without_a_label(plant):
    root = plant("b.png", "DME-12-3.jpeg", "CNV/a.png")
    reading = Flat().read(read_tree(root), Wanted())
    assert [(scan.name, scan.label, scan.patient) for scan in reading.dataset] == [
        ("DME-12-3.jpeg", None, "12"),
        ("b.png", None, None),
        ("CNV/a.png", None, None),
    ]
    assert reading.dataset.class_names == ()
