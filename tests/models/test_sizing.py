"""Sizing: sizes that are refused, and that those named instead can be had."""

from __future__ import annotations

import json
import re

import pytest
import timm
import torch
from safetensors.torch import save_file

import octlib
from octlib.errors import ImageSizeError, WeightsError
from octlib.models import hub
from octlib.models.configs import named_config, specify
from octlib.models.networks import random_module
from octlib.models.torch_modules import TimmFeatures

# What restricts them: patches, windows, several scales, squares alone; and one that takes anything.
NAMES = ["test_vit", "test_maxvit", "test_coatnet", "levit_128s", "xcit_nano_12_p16_224", "mvitv2_tiny", "test_resnet"]


def map_shape(name, size):
    """Give height and width of the map of an architecture, on shapes alone."""
    spec, size = specify(named_config(name), size, origin="random", fixed_batchnorm=False)
    seen = []
    with torch.device("meta"), torch.inference_mode():
        features = TimmFeatures(random_module(spec), spec, "average", size).eval()
        features.feature_map.register_forward_hook(lambda *call: seen.append(tuple(call[-1].shape[2:])))
        features(torch.zeros(1, *size))
    return seen[0]


@pytest.mark.parametrize("size", [(224, 448), (250, 190), (9, 9)])
@pytest.mark.parametrize("architecture", NAMES, indirect=True)
def test_a_size_is_taken_or_others_are_named_that_are(architecture, size):
    try:
        height, width = map_shape(architecture, size)
    except ImageSizeError as error:
        taken = re.findall(r"(\d+) x (\d+)", error.problem.partition("It takes")[2])
        assert taken
        assert all(map_shape(architecture, (int(height), int(width))) for height, width in taken)
    else:
        assert abs(height / width - size[0] / size[1]) < 0.25 * size[0] / size[1]


@pytest.mark.parametrize(
    ("name", "size", "text"),
    [
        (
            "test_vit",
            (250, 190),
            "It takes 256 x 192 or 240 x 176. Choose another image_size; None is the backbone's own, 160 x 160.",
        ),
        ("mvitv2_tiny", (224, 448), "of 224 x 448 pixels. It takes 224 x 224 or 256 x 256. Choose another image_size"),
    ],
)
def test_the_error_names_the_nearest(name, size, text):
    with pytest.raises(ImageSizeError, match=re.escape(text)):
        octlib.build_classifier(name, weights=None, image_size=size)


def test_of_several_the_one_that_refuses_is_named():
    with pytest.raises(ValueError, match="^test_vit cannot take scans of 65 x 65 pixels"):
        octlib.build_classifier(("test_resnet", "test_vit"), weights=None, image_size=65)


def test_a_size_is_refused_before_anything_is_downloaded(monkeypatch):
    monkeypatch.setattr(hub, "_timm_module", lambda *_: pytest.fail("asked for weights"))
    with pytest.raises(ImageSizeError, match="It takes 64 x 64"):
        octlib.build_classifier("test_vit", image_size=65)


def test_what_shapes_alone_cannot_tell_is_no_fault_of_the_size():
    def network(pretrained=False, **kwargs):
        module = timm.create_model("test_resnet", **kwargs)
        forward = module.forward_features
        module.forward_features = lambda scans: forward(scans * bool(scans.isfinite().all()))  # a look at numbers
        return module

    network.__name__, network.__module__ = "my_network_that_looks", __name__
    timm.models.register_model(network)
    classifier = octlib.build_classifier("my_network_that_looks", weights=None, image_size=(64, 96))
    assert classifier.image_size == (64, 96)


@pytest.fixture(scope="module")
def levit(tmp_path_factory):
    """Give a timm folder of a network whose weights fit one size."""
    folder = tmp_path_factory.mktemp("levit")
    module = timm.create_model("levit_128s", num_classes=0)
    save_file({key: value.contiguous() for key, value in module.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"architecture": "levit_128s"}))
    return folder


ONE_SIZE = "levit_128s's weights are for scans of 224 x 224 pixels, and can't be resized for scans of 192 x 384"


def test_weights_of_one_size_say_which(levit):
    with pytest.raises(ImageSizeError, match=ONE_SIZE):
        octlib.build_classifier("levit_128s", weights=levit, image_size=(192, 384))
    assert octlib.build_classifier("levit_128s", weights=None, image_size=(192, 384)).image_size == (192, 384)


def test_pretrained_weights_of_one_size_say_which(levit, monkeypatch):
    monkeypatch.setattr(hub, "cached_file", lambda *_: levit / "model.safetensors")
    with pytest.raises(ImageSizeError, match=ONE_SIZE):
        octlib.build_classifier("levit_128s", image_size=(192, 384))


def test_weights_of_another_network_are_no_matter_of_size(levit):
    with pytest.raises(WeightsError, match="does not fit test_vit"):
        octlib.build_classifier("test_vit", weights=levit / "model.safetensors", image_size=64)
