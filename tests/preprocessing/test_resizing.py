"""Resizing: the asked size, without aliasing and without new extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from octlib.preprocessing import resize_scan
from octlib.preprocessing.resizing import POLICIES, lay_back


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


SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))
GREYS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=30))


@pytest.mark.parametrize("policy", POLICIES)
@given(scan=GREYS, size=SIZES)
def test_each_policy_gives_the_size_and_no_new_extremes(policy: str, scan: np.ndarray, size: tuple[int, int]) -> None:
    resized = resize_scan(scan, size, policy)
    assert resized.shape == size
    assert resized.dtype == np.uint8
    assert resized.max() <= scan.max()
    laid = lay_back(resized.astype(np.float32), scan.shape, policy)
    assert laid.shape == scan.shape
    assert laid.dtype == np.float32


@pytest.mark.parametrize("policy", POLICIES)
@given(scan=GREYS, size=SIZES)
def test_a_mirrored_scan_is_resized_to_the_mirrored_result(
    policy: str, scan: np.ndarray, size: tuple[int, int]
) -> None:
    resized = resize_scan(scan, size, policy).astype(int)
    for axis in (0, 1):
        mirrored = resize_scan(np.flip(scan, axis).copy(), size, policy)
        assert np.abs(np.flip(mirrored.astype(int), axis) - resized).max() <= 1


def test_padding_keeps_all_and_cropping_keeps_the_middle() -> None:
    scan = np.full((100, 300), 90, np.uint8)
    scan[:, :10] = scan[:, -10:] = 200
    padded, cropped = (resize_scan(scan, 60, policy) for policy in ("pad", "crop"))
    assert not padded[:20].any()
    assert not padded[-20:].any()
    assert (padded[20:40, [0, -1]] == 200).all()
    assert (padded[20:40, 5:-5] == 90).all()
    assert (cropped == 90).all()
    for policy in ("pad", "crop"):
        np.testing.assert_array_equal(resize_scan(scan, (50, 150), policy), resize_scan(scan, (50, 150)))


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="Unknown resize policy 'strech': did you mean 'stretch'"):
        resize_scan(np.zeros((4, 4), dtype=np.uint8), 2, "strech")


def test_a_bad_size_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        resize_scan(np.zeros((4, 4), dtype=np.uint8), 0)
