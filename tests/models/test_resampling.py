"""Resampling: what Pillow does to a scan, as two products."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from octlib.models.resampling import resampling_matrix
from octlib.preprocessing import resize_scan

sizes = st.integers(1, 90)


@given(before=st.tuples(sizes, sizes), after=st.tuples(sizes, sizes), seed=st.integers(0, 99))
def test_it_is_pillows_but_for_rounding(before: tuple[int, int], after: tuple[int, int], seed: int) -> None:
    scan = np.random.default_rng(seed).integers(0, 256, before, dtype=np.uint8)
    rows, columns = map(resampling_matrix, before, after)
    found = rows @ scan.astype(np.float32) @ columns.T
    assert np.abs(found - resize_scan(scan, after)).max() <= 1.01


@given(before=sizes, after=sizes)
def test_an_even_scan_stays_even(before: int, after: int) -> None:
    matrix = resampling_matrix(before, after)
    assert matrix.shape == (after, before)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-5)
    assert (matrix >= 0).all()
