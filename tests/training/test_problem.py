"""Problem: what is kept for a search is what would be posed anew."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from octlib.training import problem
from octlib.training.problem import Problem, pose
from octlib.training.recipe import Recipe

NAMES = ("A", "B", "C")


def make(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(45, 96)).astype(np.float32), np.arange(45) % 3


def recipe(**changes: Any) -> Recipe:
    return Recipe(1, 8, 1e-3, exact=True, **changes)


@pytest.fixture
def sharing(build):
    """Give a classifier whose backbone others share."""
    classifier = build(class_names=NAMES)
    classifier.backbone.unchanging = True
    return classifier


@pytest.fixture
def posed(monkeypatch):
    """Give a list of what is posed."""
    whole, calls = Problem.of, []

    def of(*arguments):
        calls.append(arguments)
        return whole(*arguments)

    monkeypatch.setattr(Problem, "of", of)
    return calls


def solution(found: Problem) -> np.ndarray:
    kernel, bias = found.space.outward(*found.solve(0.1, None)[0])
    return np.vstack([kernel, bias])


def test_problems_are_kept_and_told_apart(build, sharing, posed):
    alone, (features, labels) = build(class_names=NAMES), make(0)
    others = [
        ((features, labels), {}),
        (make(1), {}),
        ((features, labels[::-1].copy()), {}),
        ((features, labels), {"class_weight": np.array([1, 2, 3], np.float32)}),
        ((features, labels), {"log_prior": np.log(np.array([0.2, 0.3, 0.5], np.float32))}),
    ]
    for _ in range(2):
        for train, changes in others:
            found, expected = (solution(pose(classifier, train, recipe(**changes))) for classifier in (sharing, alone))
            np.testing.assert_array_equal(found, expected)
    assert len(posed) == 3 * len(others)  # alone twice, shared once


def test_the_seed_chooses_what_is_measured_so_it_counts(sharing, posed):
    for seed in (0, 1, 0):
        pose(sharing, make(0), recipe(seed=seed))
    assert len(posed) == 2


def test_no_more_are_kept_than_there_is_room_for(sharing, posed, monkeypatch):
    parts = [make(seed) for seed in range(4)]
    monkeypatch.setattr(problem, "KEPT", 2 * parts[0][0].nbytes)
    for part in [*parts, *parts[2:]]:
        pose(sharing, part, recipe())
    assert len(posed) == 4
    pose(sharing, parts[0], recipe())
    assert len(posed) == 5


def test_what_is_kept_goes_with_the_backbone(build):
    gc.collect()
    before, classifier = len(problem._posed), build(class_names=NAMES)
    classifier.backbone.unchanging = True
    pose(classifier, make(0), recipe())
    assert len(problem._posed) == before + 1
    del classifier
    gc.collect()
    assert len(problem._posed) == before
