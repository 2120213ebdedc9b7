"""Postprocessing: one value that says how a prediction comes about."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from octlib.models import Postprocessing


@pytest.mark.parametrize("flips", [False, True])
def test_it_survives_json(flips: bool) -> None:
    value = Postprocessing(flips)
    assert Postprocessing.from_dict(json.loads(json.dumps(value.to_dict()))) == value


def test_what_is_missing_gets_its_default_and_what_is_unknown_is_named() -> None:
    assert Postprocessing.from_dict({}) == Postprocessing()
    with pytest.raises(ValueError, match="Unknown settings of postprocessing: 'temperature'.*upgrade octlib"):
        Postprocessing.from_dict({"temperature": 2.0})


@pytest.mark.parametrize("flips", [None, 1, "yes", np.True_])
def test_flips_are_true_or_false(flips: Any) -> None:
    with pytest.raises(TypeError, match="flips must be True or False, got"):
        Postprocessing(flips)


def test_one_view_is_the_prediction_bit_by_bit() -> None:
    probabilities = np.random.default_rng(0).random((3, 4), dtype=np.float32)
    assert Postprocessing().views == (False,)
    assert Postprocessing().combine([probabilities]) is probabilities


def test_two_views_are_averaged_whether_arrays_or_tensors() -> None:
    one, other = np.random.default_rng(0).random((2, 3, 4), dtype=np.float32)
    assert Postprocessing(flips=True).views == (False, True)
    found = Postprocessing(flips=True).combine([one, other])
    np.testing.assert_array_equal(found, np.mean([one, other], axis=0))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(Postprocessing(True).combine([torch.from_numpy(one), torch.from_numpy(other)]), found)
