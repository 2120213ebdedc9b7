"""Scaling: maps lie between 0 and 1, reach both ends, and what speaks against a class counts as nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from octlib.explanation.scaling import enlarge


@given(st.integers(0, 2**32 - 1))
def test_maps_reach_both_ends_at_the_size_asked(seed):
    found = np.random.default_rng(seed).normal(size=(2, 3, 4))
    maps = enlarge(found, (24, 40))
    assert maps.shape == (2, 24, 40)
    assert maps.dtype == np.float32
    for heatmap, own in zip(maps, found, strict=True):
        if own.max() > 0.01:
            assert heatmap.min() == 0
            assert heatmap.max() > 0.99


def test_what_speaks_against_the_class_alone_is_an_even_map():
    assert np.ptp(enlarge(np.array([[[-3.0, -1.0], [-2.0, -0.5]]]), (8, 8))) == 0
