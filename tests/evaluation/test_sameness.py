"""Sameness: evaluations of other scans are refused by the first thing that differs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from octlib.evaluation import score
from octlib.evaluation.sameness import require_same_classes, require_same_scans

NAMES = ("CNV", "NORMAL")


def result(truth=(0, 1, 0, 1), patients="abcd"):
    return score(list(truth), np.full((len(truth), 2), 0.5), list(patients), NAMES)


def test_equal_ones_pass_whatever_the_order_of_classes():
    require_same_classes({"a": NAMES, "b": NAMES[::-1]})
    require_same_scans("a", result(), "b", result())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(result(), level="eye"), "at level 'scan', b at level 'eye'"),
        (result((0, 1), "ab"), "on 4 scans, b on 2 scans"),
        (result((1, 0, 0, 1)), "the label differs in 2 of 4 rows, first in row 0: 'CNV' and 'NORMAL'"),
        (result(patients="abdc"), "the patient differs in 2 of 4 rows, first in row 2: 'c' and 'd'"),
    ],
)
def test_others_are_refused(other, said):
    with pytest.raises(ValueError, match=said):
        require_same_scans("a", result(), "b", other)


def test_other_classes_are_named():
    with pytest.raises(ValueError, match=r"a has \['CNV', 'NORMAL'\], b has \['CNV', 'DME'\]"):
        require_same_classes({"a": NAMES, "b": ("CNV", "DME")})
