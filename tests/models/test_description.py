"""Description: a classifier's card and its report say the same of it."""

from __future__ import annotations

from dataclasses import replace

import octlib
from octlib.models import describe_classifier
from octlib.models.card import model_card


def test_the_card_says_the_same():
    classifier = octlib.build_classifier("resnet10t", weights=None, image_size=(32, 48), freeze=False)
    classifier.postprocessing = replace(classifier.postprocessing, flips=True, temperature=1.5)
    rows = dict(describe_classifier(classifier.get_config()))
    assert "fine-tuned" in rows["backbone"]
    assert rows["input"].startswith("32 x 48 pixels")
    assert "temperature 1.5" in rows["prediction"]
    card = model_card(classifier.get_config())
    assert all(value in card for value in rows.values())
