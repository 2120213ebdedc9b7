"""Recipe: the forms that are taken, what is said of others, and what scans weigh."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.errors import AugmentationError
from octlib.models.keras_backend import keras
from octlib.training.augmentation import augment_scans
from octlib.training.recipe import (
    Recipe,
    as_augmentation,
    as_callbacks,
    as_class_weights,
    as_positive,
    check_class_weight,
)

NAMES = ("CNV", "DME", "DRUSEN")
LABELS = np.array([0, 0, 0, 1])


@pytest.mark.parametrize("value", [0, -1e-3, float("nan"), float("inf"), "1e-3", None, True])
def test_only_positive_rates_count(value):
    with pytest.raises(ValueError, match="learning_rate must be a positive number"):
        as_positive("learning_rate", value)
    assert as_positive("learning_rate", np.float32(0.5)) == 0.5


def test_weights_stand_in_the_order_of_the_classes():
    np.testing.assert_allclose(as_class_weights({"DME": 2, "DRUSEN": 3, "CNV": 1}, LABELS, NAMES), [1, 2, 3])
    # A class without scans has no weight to speak of; it must not count as nothing either.
    np.testing.assert_allclose(as_class_weights("balanced", LABELS, NAMES), [2 / 3, 2, 1])
    assert as_class_weights(None, LABELS, NAMES) is None
    assert as_class_weights("logit_adjustment", LABELS, NAMES) is None


@pytest.mark.parametrize(
    "wrong",
    [
        *("balance", 3, ["CNV"], {"CNV": 1.0}, {"CNV": 1, "DME": 1, "DRUSN": 1}),
        *({"CNV": 1, "DME": 1, "DRUSEN": value} for value in (0, -1, float("nan"), "2")),
    ],
)
def test_weights_are_positive_and_need_the_classes_names(wrong):
    message = r"class_weight must be .*a positive weight for each of \['CNV', 'DME', 'DRUSEN'\]"
    with pytest.raises(ValueError, match=message):
        check_class_weight(wrong, NAMES)


@pytest.mark.parametrize("right", [None, "balanced", "logit_adjustment", {"CNV": 1, "DME": np.float32(2), "DRUSEN": 3}])
def test_class_weights_that_are_right_are_taken(right):
    check_class_weight(right, NAMES)


def test_augmentation_is_ours_unless_told_otherwise():
    def own(scans, rng):
        return scans

    assert as_augmentation(None, frozen=False) is augment_scans
    assert as_augmentation(True, frozen=False) is augment_scans
    assert as_augmentation(False, frozen=False) is None
    assert as_augmentation(own, frozen=False) is own
    assert as_augmentation(None, frozen=True) is None
    with pytest.raises(AugmentationError, match="unfreeze"):
        as_augmentation(own, frozen=True)
    with pytest.raises(TypeError, match="augment must be True, False, None, or a function that takes scans.*got 3"):
        as_augmentation(3, frozen=False)


@pytest.mark.parametrize("wrong", [keras.callbacks.History(), [keras.callbacks.History], "x", None, [1]])
def test_callbacks_are_a_list_of_keras_callbacks(wrong):
    with pytest.raises(TypeError, match="callbacks must be a list of Keras callbacks, got"):
        as_callbacks(wrong)
    callback = keras.callbacks.History()
    assert as_callbacks([callback]) == (callback,)
    assert as_callbacks(()) == ()


def test_scans_weigh_what_their_class_weighs():
    recipe = Recipe(1, 8, 1e-3, class_weight=np.array([0.5, 1, 2, 4], np.float32))
    np.testing.assert_allclose(recipe.weights_of(np.array([3, 0, 0, 2])), np.array([4, 0.5, 0.5, 2]) / 1.75)
    assert Recipe(1, 8, 1e-3).weights_of(np.array([3, 0])) is None


def test_label_smoothing_is_what_the_formula_says():
    """Szegedy et al. 2016: 1 - s on the label, plus s spread over all classes alike."""
    recipe = Recipe(1, 8, 1e-3, label_smoothing=0.2)
    np.testing.assert_allclose(recipe.targets_of(np.array([1, 0]), 4), [[0.05, 0.85, 0.05, 0.05], [0.85] + 3 * [0.05]])
    np.testing.assert_array_equal(Recipe(1, 8, 1e-3).targets_of(np.array([1]), 2), [[0, 1]])
