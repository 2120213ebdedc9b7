"""Octlib backbone: it is there without a network, small, described, and better than chance on real scans."""

from __future__ import annotations

import json
import shutil
import socket

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file

import octlib
from octlib.errors import WeightsError
from octlib.models.octlib_backbone import FOLDER

CONFIG = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
ARCHITECTURE = CONFIG["architecture"]


@pytest.fixture
def no_network(monkeypatch):
    """Let every attempt to reach the network fail loudly."""

    def refuse(*_, **__):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_it_is_built_without_a_network_from_a_small_folder(no_network):
    classifier = octlib.build_classifier("octlib", class_names=("AMD", "NORMAL"))
    assert classifier.backbone_name == ARCHITECTURE
    assert classifier.image_size == (224, 224)
    assert classifier.frozen
    assert (FOLDER / "model.safetensors").stat().st_size <= 5e6
    assert "Limits" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_its_features_are_timms_with_the_weights_of_the_folder():
    module = timm.create_model(ARCHITECTURE, num_classes=0, **CONFIG.get("model_args", {})).eval()
    module.load_state_dict(load_file(FOLDER / "model.safetensors"))
    scans = octlib.load_oct_dataset("phantoms").sample(2)
    classifier = octlib.build_classifier("octlib")
    images = scans.images(classifier.preprocessing)
    given = torch.from_numpy(images).float()[:, None].expand(-1, 3, -1, -1) / 127.5 - 1
    with torch.inference_mode():
        np.testing.assert_allclose(classifier.features(images).cpu(), module(given), rtol=1e-3, atol=1e-4)


def test_random_and_other_weights_of_its_architecture_can_be_asked_for():
    own, random, *again = (
        next(octlib.build_classifier("octlib", weights=weights).to_torch().backbone.module.parameters()).detach()
        for weights in ("pretrained", None, FOLDER, FOLDER / "model.safetensors")
    )
    assert random.shape == own.shape
    assert not torch.equal(own, random)
    assert all(torch.equal(own, each) for each in again)


def test_timm_loads_a_classifier_with_its_head(tmp_path):
    classifier = octlib.build_classifier("octlib", class_names=("AMD", "NORMAL"))
    classifier.save(tmp_path / "classifier")
    module = timm.create_model(ARCHITECTURE, num_classes=2, **CONFIG.get("model_args", {})).eval()
    module.load_state_dict(load_file(tmp_path / "classifier" / "model.safetensors"))
    images = octlib.load_oct_dataset("phantoms").sample(2).images(classifier.preprocessing)
    given = torch.from_numpy(images).float()[:, None].expand(-1, 3, -1, -1) / 127.5 - 1
    with torch.inference_mode():
        np.testing.assert_allclose(classifier.logits(images).detach().cpu(), module(given), rtol=1e-3, atol=1e-4)


def test_other_weights_of_an_architecture_of_that_name_are_not_its(tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(FOLDER, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["model_args"]["channels"] = [16, 32, 64, 128]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(WeightsError, match=f"holds weights of another '{ARCHITECTURE}' than backbone='octlib' is"):
        octlib.build_classifier("octlib", weights=folder)


def test_it_survives_saving_and_its_card_says_where_it_is_from(tmp_path):
    classifier = octlib.build_classifier("octlib")
    classifier.save(tmp_path / "classifier")
    scans = octlib.load_oct_dataset("phantoms").sample(2)
    images = scans.images(classifier.preprocessing)
    loaded = octlib.load_classifier(tmp_path / "classifier")
    np.testing.assert_array_equal(loaded.features(images).cpu(), classifier.features(images).cpu())
    assert "trained on phantoms" in (tmp_path / "classifier" / "README.md").read_text(encoding="utf-8")


def test_a_misspelt_name_is_recognised():
    with pytest.raises(ValueError, match="did you mean 'octlib'"):
        octlib.build_classifier("octlibb")


def test_on_real_scans_it_is_far_better_than_its_architecture_at_random(kermany):
    train, test = octlib.load_oct_dataset(kermany).split((0.8, 0.2), seed=3)
    accuracies = []
    for weights in ("pretrained", None):
        classifier = octlib.build_classifier("octlib", weights=weights, class_names=train.class_names)
        octlib.fit(classifier, train, progress=False)
        accuracies.append(octlib.evaluate(classifier, test).accuracy)
    assert accuracies[0] > 0.85
    assert accuracies[0] > accuracies[1] + 0.1
