"""Postprocessing: one value that says how a prediction comes about."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from octlib.models import Postprocessing

EVERYTHING = Postprocessing(True, 1.5, (0.25, 0.75), (0.5, 0.5), 0.9, 0.2)
SHARES = st.lists(st.floats(0.01, 1), min_size=4, max_size=4).map(lambda values: tuple(np.array(values) / sum(values)))


@pytest.mark.parametrize("value", [Postprocessing(), Postprocessing(flips=True), EVERYTHING])
def test_it_survives_json(value: Postprocessing) -> None:
    assert Postprocessing.from_dict(json.loads(json.dumps(value.to_dict()))) == value


def test_what_is_missing_gets_its_default_and_what_is_unknown_is_named() -> None:
    assert Postprocessing.from_dict({}) == Postprocessing()
    with pytest.raises(ValueError, match="Unknown settings of postprocessing: 'heat'.*upgrade octlib"):
        Postprocessing.from_dict({"heat": 2.0})


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


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"temperature": 0}, ValueError, "temperature must be from 0.01 to 100, got 0.0"),
        ({"temperature": 1e-300}, ValueError, "temperature must be from 0.01 to 100, got 1e-300"),
        ({"temperature": float("nan")}, ValueError, "temperature must be a finite number"),
        ({"temperature": "2"}, TypeError, "temperature must be a number, got '2'"),
        ({"temperature": True}, TypeError, "temperature must be a number"),
        ({"priors": [0.5, 0.5]}, ValueError, "trained_on and priors belong together"),
        ({"priors": [0.5, 0.6], "trained_on": [0.5, 0.5]}, ValueError, "priors must be shares of 0 or more that sum"),
        ({"priors": [-0.5, 1.5], "trained_on": [0.5, 0.5]}, ValueError, "priors must be shares of 0 or more"),
        ({"priors": [1.0], "trained_on": [0.5, 0.5]}, ValueError, "a share above 0 for each class"),
        ({"priors": [0.5, 0.5], "trained_on": [0.0, 1.0]}, ValueError, "a share above 0 for each class"),
        ({"priors": "half", "trained_on": [0.5, 0.5]}, TypeError, "priors must be a share for each class"),
        ({"coverage": 0.9}, ValueError, "coverage and least belong together"),
        ({"coverage": 1.0, "least": 0.1}, ValueError, "coverage must lie between 0 and 1"),
        ({"coverage": 0.9, "least": 1.1}, ValueError, r"least in \[0, 1\]"),
    ],
)
def test_what_cannot_be_is_refused_wherever_it_is_from(settings: dict[str, Any], error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        Postprocessing.from_dict(settings)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5, 20.0])
def test_a_temperature_divides_the_logits(temperature: float) -> None:
    logits = torch.from_numpy(np.random.default_rng(0).normal(0, 4, (50, 4)))
    wanted = (logits / temperature).softmax(1)
    post = Postprocessing(temperature=temperature)
    np.testing.assert_allclose(post.combine([logits.softmax(1).numpy()]), wanted, rtol=1e-9)
    torch.testing.assert_close(post.combine([logits.softmax(1)]), wanted)
    single = post.combine([logits.softmax(1).float().numpy()])
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, wanted, rtol=1e-4, atol=1e-6)


@given(
    logits=st.lists(st.lists(st.floats(-300, 300), min_size=4, max_size=4), min_size=1, max_size=6),
    temperature=st.floats(0.01, 100),
    trained_on=SHARES,
    priors=SHARES,
    ruled_out=st.booleans(),
)
def test_rows_stay_probabilities_however_sure(
    logits: list[list[float]], temperature: float, trained_on: Any, priors: Any, ruled_out: bool
) -> None:
    if ruled_out:
        priors = (0.0, *(share / (1 - priors[0]) for share in priors[1:]))
    rows = np.array(torch.tensor(logits).softmax(1))  # float32, with zeros and ones
    post = Postprocessing(temperature=temperature, trained_on=trained_on, priors=priors)
    for found in (post.combine([rows]), post.combine([torch.from_numpy(rows)]).numpy()):
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
        if ruled_out:
            assert (found[:, 0] == 0).all()


@given(shares=SHARES, temperature=st.floats(0.2, 5))
def test_equal_priors_change_nothing(shares: Any, temperature: float) -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(4), 5).astype(np.float32)
    same = Postprocessing(temperature=temperature, trained_on=shares, priors=shares).combine([rows])
    np.testing.assert_allclose(same, Postprocessing(temperature=temperature).combine([rows]), rtol=1e-5)
    assert Postprocessing(trained_on=shares, priors=shares).combine([rows]) is rows


def test_priors_are_bayes_rule() -> None:
    found = Postprocessing(trained_on=(0.5, 0.5), priors=(0.9, 0.1)).combine([np.array([[0.5, 0.5], [0.1, 0.9]])])
    np.testing.assert_allclose(found, [[0.9, 0.1], [0.5, 0.5]])


def test_sets_hold_what_is_probable_enough() -> None:
    post = Postprocessing(coverage=0.9, least=0.4)
    assert post.sets(np.array([[0.4, 0.6], [0.3, 0.7]], np.float32)).tolist() == [[True, True], [False, True]]
    with pytest.raises(ValueError, match="There are no sets"):
        Postprocessing().sets(np.ones((1, 2)))


def test_other_flips_keep_the_rest_but_the_sets() -> None:
    assert EVERYTHING.with_flips(None) is EVERYTHING
    assert EVERYTHING.with_flips(True) == EVERYTHING
    assert EVERYTHING.with_flips(False) == Postprocessing(False, 1.5, (0.25, 0.75), (0.5, 0.5))
    with pytest.raises(TypeError, match="flips must be True or False, got 1"):
        EVERYTHING.with_flips(1)  # type: ignore[arg-type]


def test_it_says_what_happens() -> None:
    said = EVERYTHING.describe()
    for part in ("mirror image", "temperature 1.5", "0.5, 0.5 in place of 0.25, 0.75", "of 0.9: classes from 0.2 on"):
        assert part in said
    assert Postprocessing().describe() == "of the scan as it is"
