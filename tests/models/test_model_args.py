"""Model arguments: what shapes a network passes, what chooses files or places doesn't."""

from __future__ import annotations

from typing import Any

import pytest

from octlib.errors import WeightsError
from octlib.models.model_args import WORDS, check_architecture, check_description, check_model_args


@pytest.mark.parametrize(
    "model_args",
    [
        {},
        {"embed_dim": 48, "depth": 2, "num_heads": 3},
        {"pad_type": "same", "global_pool": "avg"},
        {"img_size": (64, 96), "patch_size": 14, "init_values": 1e-5, "dynamic_img_size": True, "reg_tokens": 4},
        {"depths": [2, 2, 2, 2], "dims": [8, 16, 32, 64], "conv_mlp": None, "global_pool": ""},
        {"window_size": [[7, 7], [7, 7]], "act_layer": "gelu", "norm_layer": "layernorm"},
    ],
)
def test_what_shapes_a_network_passes(model_args: dict[str, Any]) -> None:
    check_model_args(model_args)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("checkpoint_path", "/etc/passwd"),
        ("checkpoint_path", None),
        ("pretrained", True),
        ("pretrained_cfg", {"file": "x"}),
        ("pretrained_cfg_overlay", {"url": "http://x"}),
        ("pretrained_strict", False),
        ("cache_dir", "/tmp"),
        ("scriptable", True),
        ("exportable", True),
        ("features_only", True),
        ("feature_cls", "fx"),
        ("pruned", True),
        ("num_classes", 4),
        ("embed_dim", "x.pth"),
        ("depths", [1, "x.pth"]),
        ("depth", {"a": 1}),
        ("pad_type", "/etc/passwd"),
        ("pad_type", 1),
        ("global_pool", ["avg"]),
        ("act_layer", "torch.nn.ReLU"),
    ],
)
def test_what_does_more_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(WeightsError, match=f"'{name}'="):
        check_model_args({"depth": 2, name: value})


def test_no_word_is_a_place() -> None:
    assert not any(set(word) & set("./\\:") for words in WORDS.values() for word in words)


@pytest.mark.parametrize("name", ["resnet50", "test_vit", "EVA02"])
def test_plain_names_pass(name: str) -> None:
    check_architecture(name)


@pytest.mark.parametrize(
    "name",
    ["hf-hub:a/b", "hf_hub:a/b", "local-dir:/tmp", "timm/resnet50", "../x", "C:\\x", "resnet50.a1", "", "a\n", None, 3],
)
def test_places_are_no_names(name: Any) -> None:
    with pytest.raises(WeightsError, match="must name a timm architecture"):
        check_architecture(name)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("file", "/tmp/x.pth"),
        ("url", "http://x/y.pth"),
        ("hf_hub_id", "a/b"),
        ("hf_hub_filename", "x.bin"),
        ("custom_load", True),
        ("state_dict", {"a": 1}),
        ("source", "hf-hub"),
    ],
)
def test_descriptions_of_weights_choose_no_places(key: str, value: Any) -> None:
    check_description({"mean": [0.5] * 3, "custom_load": False, "url": "", "hf_hub_id": None})
    with pytest.raises(WeightsError, match=f"where weights come from, got '{key}'="):
        check_description({"mean": [0.5] * 3, key: value})
