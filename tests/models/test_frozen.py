"""Frozen: whatever users do, weights, BatchNorm's statistics and modes of a frozen backbone stay what they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import octlib
from octlib.features import extract_features, predict_probabilities

BACKBONES = (
    "test_resnet",
    "test_efficientnet",
    "test_byobnet",
    "test_convnext",
    "test_vit",
)
NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")
PIXELS = np.random.default_rng(1).integers(0, 256, (6, 64, 64), dtype=np.uint8)
LABELS = np.arange(6) % 4
SCANS = octlib.load_oct_dataset((PIXELS, LABELS, [f"p{number}" for number in range(6)]), class_names=NAMES)


def keras_fit(classifier: Any, _: Path) -> None:
    classifier.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    classifier.fit(PIXELS, LABELS, batch_size=3, validation_data=(PIXELS, LABELS), verbose=0)


def keras_evaluate(classifier: Any, _: Path) -> None:
    classifier.compile(loss="sparse_categorical_crossentropy")
    classifier.evaluate(PIXELS, LABELS, verbose=0)


def train_by_hand(classifier: Any, folder: Path) -> None:
    """Put all of it, and one part, into training mode as torch users do; the next pass puts that right."""
    network = classifier.backbone.module.module
    for action in (keras_fit, keras_evaluate, lambda model, _: model.predict(PIXELS, verbose=0)):
        for part in (classifier, network, list(network.modules())[3]):
            part.train()
        action(classifier, folder)


def save_and_load(classifier: Any, folder: Path, name: str = "classifier") -> Any:
    classifier.save(folder / name, overwrite=True)
    return octlib.load_classifier(folder / name)


# What users do with a classifier; what gives a classifier back goes on with that one.
ACTIONS: dict[str, Callable[[Any, Path], Any]] = {
    "fit": lambda classifier, _: octlib.fit(classifier, SCANS, epochs=1, progress=False) and None,
    "fit without a store": lambda classifier, _: (
        octlib.fit(classifier, SCANS, epochs=1, cache=False, progress=False) and None
    ),
    "evaluate": lambda classifier, _: octlib.evaluate(classifier, SCANS, flips=True) and None,
    "predict": lambda classifier, _: octlib.predict(classifier, SCANS) is None or None,
    "probabilities": lambda classifier, _: predict_probabilities(classifier, SCANS, batch_size=4) is None or None,
    "features": lambda classifier, _: extract_features(classifier, SCANS, cache=False) is None or None,
    "explain": lambda classifier, _: octlib.explain(classifier, PIXELS[:2]) and None,
    "call": lambda classifier, _: classifier(PIXELS) is None or None,
    "call in training": lambda classifier, _: classifier(PIXELS, training=True) is None or None,
    "call the backbone in training": lambda classifier, _: classifier.backbone(PIXELS, training=True) is None or None,
    "backward": lambda classifier, _: classifier.logits(PIXELS, training=True).sum().backward(),
    "keras fit": keras_fit,
    "keras evaluate": keras_evaluate,
    "keras predict": lambda classifier, _: classifier.predict(PIXELS, verbose=0) is None or None,
    "to torch, and train that": lambda classifier, _: (
        classifier.to_torch().train()(torch.from_numpy(PIXELS)).sum().backward()
    ),
    "train() by hand": train_by_hand,
    "save and load": save_and_load,
    "save and load .keras": lambda classifier, folder: save_and_load(classifier, folder, "classifier.keras"),
}


def frozen_state(classifier: Any) -> dict[str, Any]:
    """Copy the bits of every weight and buffer, and say of each part whether it learns or is in training mode."""
    module = classifier.backbone.module
    return {
        **{name: (value.dtype, value.numpy().tobytes()) for name, value in module.state_dict().items()},
        **{f"{name} learns": (value.requires_grad, value.grad is None) for name, value in module.named_parameters()},
        **{f"{name} trains": part.training for name, part in module.named_modules()},
    }


@pytest.fixture(scope="module", params=BACKBONES)
def frozen(request: pytest.FixtureRequest) -> Any:
    """Give a frozen classifier at random; its head may change, its backbone must not."""
    return octlib.build_classifier(request.param, weights=None, image_size=64, dropout=0.2)


@pytest.mark.filterwarnings("ignore:.*maps are constant:UserWarning")  # those of a network at random
@settings(max_examples=3)
@given(names=st.lists(st.sampled_from(sorted(ACTIONS)), min_size=6, max_size=6, unique=True))
def test_nothing_moves_a_frozen_backbone(
    tmp_path_factory: pytest.TempPathFactory, frozen: Any, names: list[str]
) -> None:
    classifier, folder = frozen, tmp_path_factory.mktemp("saved")
    before = frozen_state(classifier)
    for name in names:
        classifier = ACTIONS[name](classifier, folder) or classifier
        after = frozen_state(classifier)
        assert after.keys() == before.keys()
        assert [part for part in before if after[part] != before[part]] == [], name


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_alone(tmp_path: Path, name: str) -> None:
    classifier = octlib.build_classifier("test_resnet", weights=None, image_size=64, dropout=0.2)
    before = frozen_state(classifier)
    classifier = ACTIONS[name](classifier, tmp_path) or classifier
    assert frozen_state(classifier) == before


def test_a_backbone_that_is_not_frozen_does_move() -> None:
    for action in (keras_fit, ACTIONS["fit"]):  # the check itself can fail
        classifier = octlib.build_classifier("test_resnet", False, weights=None, image_size=64)
        before = frozen_state(classifier)
        action(classifier, Path())
        after = frozen_state(classifier)
        moved = {name for name in before if after[name] != before[name]}
        assert {"module.bn1.running_mean", "module.bn1.num_batches_tracked", "module.conv1.0.weight"} <= moved
