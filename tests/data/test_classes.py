"""Classes: labels of every kind count through class names, and a missing one is no class."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from octlib.data.classes import as_labels


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_a_missing_label_is_minus_one(missing):
    labels, names = as_labels(["DME", missing, "CNV"], 3)
    assert (labels.tolist(), names) == ([1, -1, 0], ("CNV", "DME"))
    labels, names = as_labels([1, missing, 0], 3, ("x", "y"))
    assert (labels.tolist(), names) == ([1, -1, 0], ("x", "y"))


def test_numbers_that_a_table_made_floats_are_numbers_again():
    assert as_labels(pd.Series([1, None, 0]), 3)[0].tolist() == [1, -1, 0]


def test_categories_keep_their_order_and_those_without_scans():
    column = pd.Series(pd.Categorical(["b", None], categories=["c", "b", "a"]))
    labels, names = as_labels(column, 2)
    assert (labels.tolist(), names) == ([1, -1], ("c", "b", "a"))


def test_no_label_at_all_is_no_classes():
    assert as_labels([None, float("nan")], 2) == (None, ())
    assert as_labels([np.int64(1), np.int64(0)], 2)[1] == ("0", "1")


@pytest.mark.parametrize("kind", [int, float, bool, np.uint8])
def test_one_hot_labels_are_numbers(kind):
    numbers = [2, 0, 1, 2]
    labels, names = as_labels(np.eye(3)[numbers].astype(kind), 4, ("A", "B", "C"))
    assert (labels.tolist(), names) == (numbers, ("A", "B", "C"))
    for row in ([1, 1, 0], [0, 0, 0], [0.5, 0.5, 0]):
        with pytest.raises(ValueError, match="got .* in row 1"):
            as_labels([[1, 0, 0], row], 2)
