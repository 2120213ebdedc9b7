"""Model card: what a stranger needs to know of a saved classifier."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import octlib
from octlib.models.card import model_card


def test_it_states_what_the_classifier_is(build: Callable[..., Any]) -> None:
    card = model_card(build(class_names=("AMD", "healthy"), image_size=(48, 64), pooling="flatten"))
    for fact in ("AMD, healthy", "test_resnet", "weights: random", "frozen", "flatten", "48 x 64", "blank wedges"):
        assert fact in card
    assert f"octlib {version('octlib')}" in card
    assert "not a medical device" in card


def test_it_says_whether_the_backbone_was_trained(build: Callable[..., Any]) -> None:
    assert "fine-tuned" in model_card(build(freeze=False))


def test_the_verbs_that_it_shows_exist(build: Callable[..., Any]) -> None:
    code = model_card(build()).split("```python\n")[1].split("```")[0]
    compile(code, "card", "exec")
    assert {"load_classifier", "predict"} <= set(octlib.__all__)
    assert "octlib.load_classifier(" in code
    assert "octlib.predict(" in code
