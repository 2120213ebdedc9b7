"""Reference: distances are Mahalanobis', files come back as they were, and changed ones are refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from octlib.errors import WeightsError
from octlib.models.reference import PARTS, Distribution, Reference, read_reference

AXES = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 2)))[0].T.astype(np.float32)
DISTRIBUTION = Distribution(np.arange(5, dtype=np.float32), AXES, np.float32([4, 2]), 0.5, 1.0, 2.0)
REFERENCE = Reference(DISTRIBUTION, replace(DISTRIBUTION, limit=3.0), "key", 30, 10)


def test_distances_are_those_of_the_covariance():
    rows = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)
    covariance = AXES.T @ np.diag([4 - 0.5, 2 - 0.5]) @ AXES + 0.5 * np.eye(5)
    deviations = rows - DISTRIBUTION.mean
    expected = np.einsum("ij,jk,ik->i", deviations, np.linalg.inv(covariance), deviations)
    np.testing.assert_allclose(np.exp(DISTRIBUTION.distances(rows)), expected, rtol=1e-4)


def test_familiarity_is_0_at_the_limit_and_1_where_it_is_typical():
    rows = np.random.default_rng(1).normal(size=(1, 5)).astype(np.float32)
    found = float(DISTRIBUTION.distances(rows)[0])
    at = [replace(DISTRIBUTION, typical=found + here - 1, limit=found + here) for here in (0, 1, 2)]
    np.testing.assert_allclose([each.familiarity(rows)[0] for each in at], [0, 1, 2], atol=1e-6)


def test_it_comes_back_as_it_was(tmp_path):
    (tmp_path / "file").write_bytes(REFERENCE.to_bytes())
    again = read_reference(tmp_path / "file")
    assert again.to_bytes() == REFERENCE.to_bytes()
    assert (again.key, again.n_scans, again.n_patients) == ("key", 30, 10)
    assert (again.features.limit, again.asymmetries.limit) == (2.0, 3.0)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "change",
    [
        {"noise": 0.0},
        {"limit": 0.5},
        {"typical": float("nan")},
        {"mean": np.zeros(4, np.float32)},
        {"axes": AXES.astype(np.float64)},
        {"variances": np.float32([1, np.inf])},
        {"variances": np.float32([1, -1])},
    ],
)
def test_what_no_reference_can_be_like_is_refused(tmp_path, part, change):
    (tmp_path / "file").write_bytes(replace(REFERENCE, **{part: replace(DISTRIBUTION, **change)}).to_bytes())
    with pytest.raises(WeightsError, match=f"is damaged, or written by a newer octlib: of its {part}, "):
        read_reference(tmp_path / "file")


@pytest.mark.parametrize("content", [b"", b"\x80\x04", save({"mean": np.zeros(3)}), REFERENCE.to_bytes()[:-3]])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(WeightsError, match="call octlib.learn_familiarity anew"):
        read_reference(tmp_path / "file")


@pytest.mark.parametrize("change", [{"asymmetries": None}, {"asymmetries": [1]}, {"asymmetries": {}}, {"more": 1}])
def test_other_numbers_are_refused(tmp_path, change):
    content = REFERENCE.to_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    numbers = json.loads(header["__metadata__"]["reference"])
    (tmp_path / "file").write_bytes(save(load(content), {"reference": json.dumps(numbers | change)}))
    with pytest.raises(WeightsError, match="call octlib.learn_familiarity anew"):
        read_reference(tmp_path / "file")
