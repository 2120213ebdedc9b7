"""Backbones: random, from a file, from a timm folder; and what timm itself makes of the same weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

import octlib
from octlib.errors import MissingWeightsError
from octlib.models.backbones import create_backbone
from octlib.models.networks import random_module

Features = Callable[[torch.nn.Module, np.ndarray], np.ndarray]


def random_scans(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, height, width), dtype=np.uint8)


def assert_close(found: Any, wanted: np.ndarray) -> None:
    """Compare features at the precision that two orders of summation leave."""
    found = found.detach().cpu().numpy()
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_random_weights_follow_the_seed() -> None:
    (spec, first, _), (_, again, _), (_, other, _) = (
        create_backbone("test_resnet", None, 64, seed=seed) for seed in (1, 1, 2)
    )
    for key, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
    assert not torch.equal(first.conv1[0].weight, other.conv1[0].weight)
    assert (spec.origin, spec.fixed_batchnorm) == ("random", False)  # statistics have yet to be learned


def test_a_backbone_is_built_again_from_its_specification() -> None:
    spec, module, _ = create_backbone("test_vit", None, (64, 96))
    again = random_module(type(spec).from_dict(json.loads(json.dumps(spec.to_dict()))))
    assert {key: value.shape for key, value in again.state_dict().items()} == {
        key: value.shape for key, value in module.state_dict().items()
    }


@pytest.mark.parametrize("model_args", [{}, {"output_stride": 16, "in_chans": 3, "num_classes": 7}])
def test_features_of_a_timm_folder_are_timms(
    timm_folder: Callable[..., Path], timm_features: Features, tmp_path: Path, model_args: dict[str, Any]
) -> None:
    folder = timm_folder(model_args=model_args)
    scans = random_scans(72, 88)
    wanted = timm_features(timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0), scans)

    classifier = octlib.build_classifier("test_resnet", weights=folder)
    assert classifier.image_size == (72, 88)
    assert_close(classifier.features(scans), wanted)
    for name in ("classifier", "classifier.keras"):
        classifier.save(tmp_path / name)
        loaded = octlib.load_classifier(tmp_path / name)
        assert loaded.image_size == (72, 88)
        assert_close(loaded.features(scans), wanted)


@pytest.mark.parametrize("change", [{"mean": [0.5] * 3}, {"std": [0.5] * 3}])
def test_a_folders_mean_and_std_matter(
    timm_folder: Callable[..., Path], timm_features: Features, change: dict[str, Any]
) -> None:
    folder = timm_folder(**change)
    scans = random_scans(72, 88)
    found = octlib.build_classifier("test_resnet", weights=folder).features(scans).numpy()
    wanted = timm_features(timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0), scans)
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()
    other = octlib.build_classifier("test_resnet", weights=folder / "model.safetensors", image_size=(72, 88))
    assert np.abs(other.features(scans).numpy() - wanted).max() > 0.01 * np.abs(wanted).max()


def test_a_folder_says_what_it_is(timm_folder: Callable[..., Path]) -> None:
    folder = timm_folder("test_resnet", {"stem_width": 8})
    scans = random_scans(64, 64)
    named, at_random = (
        octlib.build_classifier(f"local-dir:{folder}", weights=weights, image_size=64)
        for weights in ("pretrained", None)
    )
    found, random, wanted = (
        classifier.features(scans).detach().cpu().numpy()
        for classifier in (named, at_random, octlib.build_classifier("test_resnet", weights=folder, image_size=64))
    )
    np.testing.assert_array_equal(found, wanted)
    assert named.backbone_name == "test_resnet"
    assert random.shape == wanted.shape
    assert not np.allclose(random, wanted)
    with pytest.raises(MissingWeightsError, match="nowhere"):
        octlib.build_classifier("local-dir:nowhere")


def test_a_transformers_folder_is_built_at_the_size_of_its_weights(
    timm_folder: Callable[..., Path], timm_features: Features
) -> None:
    folder = timm_folder("test_vit2", {"img_size": 96}, input_size=[3, 160, 160], fixed_input_size=True)
    scans = random_scans(96, 96)
    wanted = timm_features(timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0), scans)
    assert_close(octlib.build_classifier("test_vit2", weights=folder).features(scans), wanted)


def test_dynamic_transformers_give_maps_of_the_callers_size(timm_folder: Callable[..., Path]) -> None:
    folder = timm_folder("test_vit", {"dynamic_img_size": True}, input_size=[3, 160, 160], fixed_input_size=False)
    classifier = octlib.build_classifier("test_vit", weights=folder, image_size=(64, 96), pooling="flatten")
    assert tuple(classifier.features(random_scans(64, 96)).shape) == (3, 64 * 4 * 6)


def test_features_of_real_weights_are_timms(imagenet_weights: Path, timm_features: Features, tmp_path: Path) -> None:
    reference = timm.create_model(f"local-dir:{imagenet_weights}", pretrained=True, num_classes=0)
    config = json.loads((imagenet_weights / "config.json").read_text(encoding="utf-8"))
    height, width = config["pretrained_cfg"]["input_size"][1:]
    scans = random_scans(height, width)
    wanted = timm_features(reference, scans)

    classifier = octlib.build_classifier("mobilenetv2_100", weights=imagenet_weights)
    spec = classifier.backbone.spec
    assert classifier.image_size == (height, width)
    assert list(spec.mean) == config["pretrained_cfg"]["mean"]
    assert list(spec.std) == config["pretrained_cfg"]["std"]
    assert spec.model_args["pad_type"] == config["model_args"]["pad_type"]
    assert_close(classifier.features(scans), wanted)
    classifier.save(tmp_path / "classifier")
    assert_close(octlib.load_classifier(tmp_path / "classifier").features(scans), wanted)


def test_a_tag_in_the_name_is_no_contradiction_to_a_folder(timm_folder: Callable[..., Path]) -> None:
    spec, _, _ = create_backbone("test_resnet.r160_in1k", timm_folder(), None)
    assert (spec.architecture, spec.origin) == ("test_resnet", "weights-of-ours")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_of_weights(timm_features: Features, tmp_path: Path, suffix: str) -> None:
    reference = timm.create_model("test_resnet", num_classes=5)
    file = tmp_path / f"mine{suffix}"
    save_file(reference.state_dict(), file) if suffix == ".safetensors" else torch.save(reference.state_dict(), file)
    reference.reset_classifier(0)
    scans = random_scans(64, 64)
    for path in (file, str(file)):
        spec, _, _ = create_backbone("test_resnet", path, 64)
        assert (spec.origin, spec.fixed_batchnorm) == (file.name, True)
    classifier = octlib.build_classifier("test_resnet", weights=file, image_size=64)
    assert_close(classifier.features(scans), timm_features(reference, scans))


def test_another_backbone_than_the_folders_is_an_error(timm_folder: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="holds weights of 'test_resnet', but backbone='test_vit'.*Use backbone="):
        create_backbone("test_vit", timm_folder(), None)


def test_an_architecture_that_timm_does_not_know_is_an_error(timm_folder: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="Unknown backbone 'test_resnett': did you mean 'test_resnet'"):
        create_backbone("test_resnett", None, 64)
    folder = timm_folder()
    config = (folder / "config.json").read_text(encoding="utf-8")
    (folder / "config.json").write_text(config.replace('"test_resnet"', '"test_resnest"'), encoding="utf-8")
    with pytest.raises(ValueError, match="Unknown backbone 'test_resnest'"):
        create_backbone("test_resnet", folder, 64)


def test_weights_that_are_not_there() -> None:
    with pytest.raises(FileNotFoundError, match="No weights at 'pretrainde'.*weights= takes 'pretrained'"):
        create_backbone("test_resnet", "pretrainde", 64)
