"""Resizing: the asked size, without aliasing and without new extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from octlib.preprocessing import resize_scan


@given(
    scan=arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=30)),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_the_size_is_the_asked_one_and_no_value_is_new(scan: np.ndarray, size: tuple[int, int]) -> None:
    resized = resize_scan(scan, size)
    assert resized.shape == size
    assert resized.dtype == np.uint8
    assert scan.min() <= resized.min() <= resized.max() <= scan.max()


def test_height_comes_first() -> None:
    scan = np.repeat(np.array([[0], [200]], dtype=np.uint8), [300, 100], axis=0) + np.zeros((400, 600), dtype=np.uint8)
    resized = resize_scan(scan, (40, 20))
    assert (resized[:29] == 0).all()
    assert (resized[31:] == 200).all()


def test_fine_stripes_become_their_mean() -> None:
    stripes = np.tile(np.array([0, 200], dtype=np.uint8), (400, 200))
    assert np.abs(resize_scan(stripes, 40).astype(int) - 100).max() <= 6


def test_the_same_size_keeps_every_pixel_in_a_copy() -> None:
    scan = np.arange(12, dtype=np.uint8).reshape(3, 4)
    resized = resize_scan(scan, (3, 4))
    np.testing.assert_array_equal(resized, scan)
    assert not np.shares_memory(resized, scan)


def test_a_bad_size_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        resize_scan(np.zeros((4, 4), dtype=np.uint8), 0)
