"""Columns: what is missing is None, numbers stay numbers, and nobody writes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from octlib.data.columns import as_column, is_missing, join_columns, number, objects, read_only


def test_sequences_stay_single_values():
    assert objects([(1, 2), (3, 4)]).tolist() == [(1, 2), (3, 4)]
    assert objects([]).shape == (0,)


def test_a_closed_column_leaves_the_callers_open():
    given = np.zeros(2)
    with pytest.raises(ValueError, match="read-only"):
        read_only(given)[0] = 1
    given[0] = 1


def test_missing_values_of_every_kind():
    assert all(map(is_missing, (None, float("nan"), np.float64("nan"), pd.NA, pd.NaT)))
    assert not any(map(is_missing, ("", 0, "nan", False)))


@pytest.mark.parametrize(
    ("given", "dtype", "values"),
    [
        (pd.Series([1, 2]), "int64", [1, 2]),
        (pd.Series([0.5, 2]), "float64", [0.5, 2]),
        (pd.Series([True, False]), "bool", [True, False]),
        (pd.Series(["a", None]), "object", ["a", None]),
        (pd.Series(["a", None], dtype="category"), "object", ["a", None]),
        (pd.Series([1, None], dtype="Int64"), "object", [1, None]),
        (["a", float("nan")], "object", ["a", None]),
        ([1, 2.5], "float64", [1, 2.5]),
    ],
)
def test_columns_of_tables(given, dtype, values):
    column = as_column(given)
    assert column.dtype == dtype
    assert column.tolist() == values


def test_columns_of_different_kinds_are_joined_as_objects():
    assert join_columns(np.array([1]), np.array([0.5])).dtype == float
    joined = join_columns(np.array([1]), objects([None]))
    assert joined.dtype == object
    assert joined.tolist() == [1, None]
    assert join_columns(np.array([True]), np.array([2])).tolist() == [True, 2]


def test_what_is_unknown_equals_nothing():
    assert number(["b", None, "a", "b", None]).tolist() == [0, 1, 2, 0, 3]
    assert number([]).tolist() == []
    assert number(["1", None, "1"]).tolist() == [0, 1, 0]  # the text 1 is not the place 1
