"""Sharing: one frozen backbone for many classifiers, digested once, and never changed under their hands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from octlib.features import keys
from octlib.models.sharing import forget_shared, own_copy, sharing_classifier


def shared(**changes: Any) -> Any:
    settings = {"image_size": 64, "weights": None, "pooling": "average", "dropout": 0.0, "flips": False, "seed": 0}
    settings |= {"steps": ("blank_wedges",), "resize": "stretch"}
    return sharing_classifier("test_resnet", class_names=("a", "b"), **{**settings, **changes})


def test_equal_ones_share_and_others_do_not() -> None:
    first = shared()
    assert shared(dropout=0.5, flips=True).backbone is first.backbone
    padding = shared(steps=["crop_retina"], resize="pad")
    assert padding.backbone is first.backbone
    assert padding.preprocessing.describe() == "crop retina, pad to the aspect ratio and resize to 64 x 64"
    assert shared().preprocessing.describe() == "blank wedges, resize to 64 x 64"
    assert shared(seed=1).backbone is not first.backbone
    again = shared()
    assert again.backbone is not first.backbone  # only the last one is kept
    forget_shared()
    assert shared().backbone is not again.backbone


def test_weights_that_do_not_change_are_digested_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = shared(), shared(dropout=0.5)
    key = keys.backbone_key(first)
    assert keys.backbone_key(own_copy(first)) == key
    monkeypatch.setattr(keys, "in_threads", lambda *_, **__: pytest.fail("digested again"))
    assert keys.backbone_key(second) == key


@pytest.mark.parametrize("how", ["load_state", "unfreeze"])
def test_weights_that_may_change_are_digested_again(how: str) -> None:
    classifier = shared()
    key = keys.backbone_key(classifier)
    if how == "load_state":
        classifier.backbone.load_state({name: value + 1 for name, value in classifier.backbone.state().items()})
    else:
        classifier.unfreeze()
        variable = next(iter(classifier.backbone.parameters.values()))
        variable.assign(np.ones(variable.shape, np.float32))
    assert keys.backbone_key(classifier) != key
    forget_shared()
