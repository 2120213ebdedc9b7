"""Identity: what changes a run's result is told apart, and what doesn't is not."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest

from octlib.data import match_labels
from octlib.training.augmentation import augment_scans
from octlib.training.identity import describe_run
from octlib.training.recipe import Recipe

RECIPE = Recipe(3, 8, 1e-3)


@pytest.fixture
def described(build, toy):
    """Give a function that describes a run, and may change it."""

    def describe(freeze=True, *, train=None, validation=None, recipe=RECIPE):
        classifier = build(freeze)
        parts = [
            scans and (scans, match_labels(scans, classifier.class_names)) for scans in (train or toy(8), validation)
        ]
        return describe_run(classifier, *parts, recipe)

    return describe


def differing(one, other):
    return {name for name in one if one[name] != other[name]}


def test_the_same_run_is_the_same(described, toy):
    assert described() == described()
    assert described(train=toy(8)) == described()


def test_the_order_the_labels_and_the_pixels_of_scans_count(described, toy):
    others = (toy(8).subset([1, 0, *range(2, 8)]), toy(8, rotated=1), toy(8, seed=1), toy(7))
    assert len({described(train=train)["training_scans"] for train in (*others, toy(8))}) == 5
    assert differing(described(validation=toy(4)), described()) == {"validation_scans"}


@pytest.mark.parametrize("augment", [lambda scans, _: scans, partial(augment_scans)])
def test_every_augmentation_is_told_from_none_and_from_ours(described, augment):
    ways = [described(False, recipe=Recipe(3, 8, 1e-3, augment=way)) for way in (None, augment_scans, augment)]
    assert len({way["augment"] for way in ways}) == 3


def test_where_features_lie_does_not_count_but_their_precision_does(described):
    def cached(cache, freeze=True):
        return described(freeze, recipe=Recipe(3, 8, 1e-3, cache=cache))

    assert cached(True) == cached(False)
    assert differing(cached(True), cached("float16")) == {"cache"}
    assert cached(True, freeze=False) == cached("float16", freeze=False)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"batch_size": 4}, "batch_size"), ({"log_prior": np.zeros(4, np.float32)}, "logit_adjustment")],
    ids=["batch size", "logit adjustment"],
)
def test_what_a_recipe_changes_is_another_run(described, change, named):
    recipe = dataclasses.replace(RECIPE, **change)
    assert differing(described(recipe=recipe), described()) == {named}
