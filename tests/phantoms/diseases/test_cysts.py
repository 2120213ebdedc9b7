"""Cysts: a row of them stands side by side, and there is always one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from octlib.phantoms.diseases.cysts import row_of_cysts


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("reach", [0.01, 0.5, 2.0])
def test_cysts_stand_side_by_side_within_their_row(seed, reach):
    widths = (0.04, 0.12)
    row = row_of_cysts(np.random.default_rng(seed), "INL", 0.3, reach, widths=widths, heights=(0.5, 0.9))
    assert row
    assert all(left.x + left.half_width < right.x - right.half_width for left, right in pairwise(row))
    assert all(cyst.layer == "INL" and cyst.kind == "IRF" and 0 < cyst.share < 1 for cyst in row)
    assert all(0 < cyst.half_width <= widths[1] for cyst in row)
    assert all(abs(cyst.x - 0.3) <= reach + 2 * widths[1] for cyst in row)
