"""Sizes: what counts as one, and what the error says otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.preprocessing import as_size


@pytest.mark.parametrize(
    ("size", "expected"), [(100, (100, 100)), ((496, 512), (496, 512)), ([3, 4], (3, 4)), (np.int64(7), (7, 7))]
)
def test_whole_numbers_and_pairs_are_sizes(size: object, expected: tuple[int, int]) -> None:
    assert as_size(size) == expected
    assert all(type(length) is int for length in as_size(size))


@pytest.mark.parametrize("size", [224.0, "224", None, (1, 2, 3), (224,), (224, None), True, (224, 1.5)])
def test_other_things_are_refused(size: object) -> None:
    with pytest.raises(TypeError, match="whole number or"):
        as_size(size)


@pytest.mark.parametrize("size", [0, -3, (224, 0)])
def test_sizes_below_a_pixel_are_refused(size: object) -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        as_size(size)
