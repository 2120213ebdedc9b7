"""Arguments: the forms that are taken, and what is said of others."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.training.arguments import as_augmentation, as_class_weights, as_rate
from octlib.training.augmentation import augment_scans

NAMES = ("CNV", "DME", "DRUSEN")
LABELS = np.array([0, 0, 0, 1])


@pytest.mark.parametrize("value", [0, -1e-3, float("nan"), float("inf"), "1e-3", None])
def test_only_positive_rates_count(value):
    with pytest.raises(ValueError, match="learning_rate must be a positive number"):
        as_rate(value)
    assert as_rate(np.float32(0.5)) == 0.5


def test_weights_stand_in_the_order_of_the_classes():
    np.testing.assert_allclose(as_class_weights({"DME": 2, "DRUSEN": 3, "CNV": 1}, LABELS, NAMES), [1, 2, 3])
    # A class without scans has no weight to speak of; it must not count as nothing either.
    np.testing.assert_allclose(as_class_weights("balanced", LABELS, NAMES), [2 / 3, 2, 1])
    assert as_class_weights(None, LABELS, NAMES) is None
    assert as_class_weights("logit_adjustment", LABELS, NAMES) is None


@pytest.mark.parametrize("wrong", ["balance", {"CNV": 1.0}, {"CNV": 1, "DME": 1, "DRUSN": 1}])
def test_weights_need_the_classes_names(wrong):
    with pytest.raises(ValueError, match=r"class_weight must be .*a weight for each of \['CNV', 'DME', 'DRUSEN'\]"):
        as_class_weights(wrong, LABELS, NAMES)


def test_augmentation_is_ours_unless_told_otherwise():
    def own(scans, rng):
        return scans

    assert as_augmentation(None, frozen=False) is augment_scans
    assert as_augmentation(True, frozen=False) is augment_scans
    assert as_augmentation(False, frozen=False) is None
    assert as_augmentation(own, frozen=False) is own
    assert as_augmentation(None, frozen=True) is None
