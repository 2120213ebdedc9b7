"""Phantom: its mask is the union of its lesions, and it names itself without its pixels."""

from __future__ import annotations

import numpy as np

from octlib.phantoms import Phantom


def test_the_mask_is_the_union_of_its_kinds():
    image = np.zeros((3, 4), dtype=np.uint8)
    first, second = np.zeros((2, 3, 4), dtype=bool)
    first[0, 0] = second[2, 3] = True
    phantom = Phantom(image, {"SRF": first, "PED": second}, {}, "CNV", "P0001", 2, {})
    np.testing.assert_array_equal(phantom.mask, first | second)
    assert phantom.name == "CNV-P0001-2"
    assert repr(phantom) == "Phantom(CNV, patient P0001, 3 x 4)"


def test_a_scan_without_lesions_has_an_empty_mask():
    assert not Phantom(np.zeros((3, 4), dtype=np.uint8), {}, {}, "NORMAL", "P0004", 1, {}).mask.any()
