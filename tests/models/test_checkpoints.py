"""Checkpoints: whatever a training writes around its weights, they come out in timm's names, or are refused."""

from __future__ import annotations

import argparse
import collections
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

import octlib
from octlib.errors import WeightsError
from octlib.models.checkpoints import read_checkpoint
from octlib.models.networks import loaded_module, random_module
from octlib.models.torch_modules import TimmFeatures
from octlib.models.weights import load_weights
from tests.models.test_weights import equal, spec_of

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def weights() -> State:
    """Give the weights of a small vision transformer with a head."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return dict(timm.create_model("test_vit", num_classes=10, img_size=64).state_dict())


VIT = spec_of("test_vit", 64)


def loaded_into(module: Any, file: Path, spec: Any) -> Any:
    return load_weights(module, read_checkpoint(file, module.state_dict()), spec, file)


@pytest.mark.parametrize("prefix", ["module.", "backbone.", "module.encoder.", "model.net.backbone.", "_orig_mod."])
def test_what_all_names_begin_with_is_left_out(weights: State, tmp_path: Path, prefix: str) -> None:
    content = {f"{prefix}{name}": value for name, value in weights.items()}
    content |= {"projector.0.weight": torch.ones(3, 3), "epoch_loss": torch.ones(1)}
    torch.save({"state_dict": content}, tmp_path / "w.pth")
    found = read_checkpoint(tmp_path / "w.pth", weights)
    assert equal(weights, found)
    assert set(found) - set(weights) == {"projector.0.weight", "epoch_loss"}


def test_of_a_teacher_and_a_student_the_teacher_is_taken(weights: State, tmp_path: Path) -> None:
    content = {f"student.backbone.{name}": value + 1 for name, value in weights.items()}
    content |= {f"teacher.backbone.{name}": value for name, value in weights.items()}
    torch.save(content, tmp_path / "w.pth")
    assert equal(weights, read_checkpoint(tmp_path / "w.pth", weights))
    torch.save({"student": content, "teacher": weights}, tmp_path / "w.pth")
    assert equal(weights, read_checkpoint(tmp_path / "w.pth", weights))


def test_an_average_without_counters_is_taken_all_the_same(tmp_path: Path) -> None:
    state = dict(random_module(spec_of("test_resnet")).state_dict())
    assert any(name.endswith("num_batches_tracked") for name in state)
    content = {f"student.{name}": value + 1 for name, value in state.items()}
    average = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    torch.save({**content, **{f"ema.{name}": value for name, value in average.items()}}, tmp_path / "w.pth")
    assert equal(average, read_checkpoint(tmp_path / "w.pth", state))


def test_a_teacher_that_is_another_network_is_not_taken_for_an_average(weights: State, tmp_path: Path) -> None:
    other = {name: value + 1 for name, value in weights.items()}
    torch.save({"model": weights, "teacher": other}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="holds the weights 2 times, under 'teacher', 'model'"):
        read_checkpoint(tmp_path / "w.pth", weights)
    torch.save({"model": weights, "teacher": {"name": "big"}}, tmp_path / "w.pth")
    assert equal(weights, read_checkpoint(tmp_path / "w.pth", weights))


@pytest.mark.parametrize("first", [True, False])
def test_what_lies_outside_takes_no_weights_place(weights: State, tmp_path: Path, first: bool) -> None:
    strangers = {"norm.weight": 9 * torch.ones(64), "fc_norm.weight": torch.ones(64), "fc_norm.bias": torch.ones(64)}
    own = {f"backbone.{name}": value for name, value in weights.items()}
    torch.save({**strangers, **own} if first else {**own, **strangers}, tmp_path / "w.pth")
    assert equal(weights, read_checkpoint(tmp_path / "w.pth", weights))
    spec, _ = loaded_module(VIT, tmp_path / "w.pth")
    assert "global_pool" not in spec.model_args


def test_names_that_timm_knows_are_found_behind_what_torch_puts_before_them(tmp_path: Path) -> None:
    state = dict(random_module(spec_of("test_convnext")).state_dict())
    foreign = {f"module.{name.replace('stages', 'layers')}": value for name, value in state.items()}
    torch.save(foreign, tmp_path / "w.pth")
    assert all(not name.startswith("module.") for name in read_checkpoint(tmp_path / "w.pth", state))


def test_hostile_names_are_refused_or_left_out(weights: State, tmp_path: Path) -> None:
    torch.save({1: torch.ones(1)}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="must hold a dictionary of tensors"):
        read_checkpoint(tmp_path / "w.pth", weights)
    torch.save({**weights, "." * 40_000 + "norm.weight": torch.ones(1)}, tmp_path / "w.pth")
    assert equal(weights, read_checkpoint(tmp_path / "w.pth", weights))


@pytest.mark.parametrize(("left", "right"), [("left", "right"), ("semantic", "instance")])
def test_two_copies_of_which_none_is_an_average_are_refused(
    weights: State, tmp_path: Path, left: str, right: str
) -> None:
    content = {f"{which}.{name}": value for name, value in weights.items() for which in (left, right)}
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="holds the weights 2 times, under"):
        read_checkpoint(tmp_path / "w.pth", weights)


def test_chunks_of_blocks_are_joined(weights: State, tmp_path: Path) -> None:
    content = {name.replace("blocks.", "blocks.1.") if "blocks." in name else name: v for name, v in weights.items()}
    assert set(content) != set(weights)
    save_file(content, tmp_path / "w.safetensors")
    assert equal(weights, read_checkpoint(tmp_path / "w.safetensors", weights))


@pytest.mark.parametrize("prefix", ["", "module."])
def test_networks_whose_own_names_look_like_chunks_are_left_alone(tmp_path: Path, prefix: str) -> None:
    state = dict(random_module(spec_of("test_efficientnet")).state_dict())
    assert any(name.startswith("blocks.1.0.") for name in state)
    torch.save({f"{prefix}{name}": value for name, value in state.items()}, tmp_path / "w.pth")
    assert equal(state, read_checkpoint(tmp_path / "w.pth", state))


def test_a_transformer_that_pooled_by_the_mean_is_built_so(tmp_path: Path) -> None:
    source = reference("vit_tiny_patch16_224", global_pool="avg", img_size=64, depth=2)
    state = source.state_dict()
    assert "fc_norm.weight" in state
    torch.save(fine_tuned(dict(state)), tmp_path / "w.pth")
    spec = spec_of("vit_tiny_patch16_224", 64)
    spec, module = loaded_module(replace(spec, model_args={**spec.model_args, "depth": 2}), tmp_path / "w.pth")
    assert spec.model_args["global_pool"] == "avg"
    scans = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        found = TimmFeatures(module, spec, "average", (64, 64)).eval().features_of(scans)
        np.testing.assert_allclose(found.numpy(), source(scans).numpy(), atol=1e-5)


def test_settings_of_a_training_are_no_danger(weights: State, tmp_path: Path) -> None:
    torch.save({"model": weights, "args": argparse.Namespace(lr=0.1), "epoch": 3}, tmp_path / "w.pth")
    assert equal(weights, read_checkpoint(tmp_path / "w.pth", weights))


def test_what_a_file_asks_for_is_named(weights: State, tmp_path: Path) -> None:
    torch.save({"model": weights, "log": collections.UserDict(a=1)}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"more than tensors.*it asks for collections\.UserDict"):
        read_checkpoint(tmp_path / "w.pth", weights)


def test_the_report_counts(weights: State, tmp_path: Path) -> None:
    large = dict(random_module(spec_of("test_vit", 160)).state_dict())
    save_file({**large, "head.weight": torch.ones(3, 3), "mask_token": torch.ones(1)}, tmp_path / "w.safetensors")
    module = random_module(VIT)
    report = loaded_into(module, tmp_path / "w.safetensors", VIT)
    assert (report.resized, report.dropped) == (("pos_embed",), ())
    assert len(report.matched) == len(module.state_dict())
    assert str(report) == f"{len(report.matched)} weights, 1 resized, 0 dropped"


def test_what_was_dropped_is_said_of_the_classifier(weights: State, tmp_path: Path) -> None:
    backbone = {name: value for name, value in weights.items() if not name.startswith("head.")}
    save_file({**weights, "projector.weight": torch.ones(2)}, tmp_path / "w.safetensors")
    classifier = octlib.build_classifier("test_vit", weights=tmp_path / "w.safetensors", image_size=64)
    assert classifier.backbone.spec.origin == f"w.safetensors ({len(backbone)} weights, 0 resized, 1 dropped)"


# Foundation models of the retina: the layouts that their authors publish, on smaller networks of the same kinds.


def reference(name: str, **settings: Any) -> Any:
    """Build timm's own model with random weights of which none is alike."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = timm.create_model(name, num_classes=0, **settings).eval()
        for parameter in model.parameters():
            parameter.data.add_(0.02 * torch.randn(parameter.shape))
    return model


def masked_autoencoder(state: State) -> dict[str, Any]:
    """Write as RETFound does: a masked autoencoder's checkpoint, with its decoder and settings."""
    decoder = {f"decoder_blocks.{n}.norm1.weight": torch.ones(8) for n in range(8)}
    state = {**state, **decoder, "mask_token": torch.ones(1, 1, 8), "decoder_pos_embed": torch.ones(1, 5, 8)}
    return {"model": state, "optimizer": {}, "epoch": 799, "scaler": {}, "args": argparse.Namespace(lr=1e-3)}


def fine_tuned(state: State) -> dict[str, Any]:
    """Write as RETFound does after fine-tuning: with a head for five grades."""
    head = {"head.weight": torch.ones(5, 8), "head.bias": torch.ones(5)}
    return {"model": {**state, **head}, "epoch": 49, "args": argparse.Namespace(nb_classes=5)}


def without_mask_token(state: State) -> dict[str, Any]:
    """Write as ``dinov2``, but without what tells timm of it."""
    teacher = dinov2(state)["teacher"]
    return {"teacher": {name: value for name, value in teacher.items() if not name.endswith("mask_token")}}


def dinov2(state: State) -> dict[str, Any]:
    """Write as RETFound-DINOv2 does: a teacher with heads beside its backbone, blocks in chunks, a mask token."""
    chunked = {
        name.replace(f"blocks.{name.split('.')[1]}.", f"blocks.{int(name.split('.')[1]) // 3}.{name.split('.')[1]}.")
        if name.startswith("blocks.")
        else name: value
        for name, value in state.items()
    }
    renamed = {name.replace("mlp.fc1", "mlp.w12").replace("mlp.fc2", "mlp.w3"): v for name, v in chunked.items()}
    teacher = {f"backbone.{name}": value for name, value in {**renamed, "mask_token": torch.ones(1, 8)}.items()}
    return {"teacher": {**teacher, "dino_head.mlp.0.weight": torch.ones(4, 4), "ibot_head.x": torch.ones(2)}}


def plain(state: State) -> dict[str, Any]:
    """Write as RETFound-Green does: the state alone."""
    return dict(state)


LAYOUTS = [
    pytest.param("vit_tiny_patch16_224", {}, masked_autoencoder, id="RETFound"),
    pytest.param("vit_tiny_patch16_224", {}, fine_tuned, id="RETFound fine-tuned"),
    pytest.param("vit_small_patch14_dinov2", {"img_size": 98, "depth": 6}, dinov2, id="RETFound-DINOv2"),
    pytest.param("vit_small_patch14_dinov2", {"img_size": 98, "depth": 6}, without_mask_token, id="without a mask"),
    pytest.param("vit_small_patch14_reg4_dinov2", {"img_size": 112, "depth": 4}, plain, id="RETFound-Green"),
]


@pytest.mark.parametrize("image_size", ["its own", 140])
@pytest.mark.parametrize(("name", "settings", "layout"), LAYOUTS)
def test_checkpoints_of_the_retina_give_timms_features(
    tmp_path: Path, name: str, settings: dict[str, Any], layout: Any, image_size: Any
) -> None:
    size = settings.get("img_size", 224) if image_size == "its own" else image_size
    size -= size % (14 if "patch14" in name else 16)
    source = reference(name, **settings)
    torch.save(layout(dict(source.state_dict())), tmp_path / "w.pth")
    spec = spec_of(name, size)
    spec = octlib.models.spec.BackboneSpec(
        **{**spec.to_dict(), "model_args": {**spec.model_args, **settings, "img_size": (size, size)}}
    )
    module = random_module(spec, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = loaded_into(module, tmp_path / "w.pth", spec)
    assert len(report.matched) == len(module.state_dict())
    expected = timm.create_model(name, num_classes=0, **{**settings, "img_size": size}).eval()
    expected.load_state_dict(
        {
            **source.state_dict(),
            "pos_embed": timm.models.vision_transformer.checkpoint_filter_fn(dict(source.state_dict()), expected)[
                "pos_embed"
            ],
        }
    )
    scans = torch.rand(2, 3, size, size)
    with torch.inference_mode():
        found, wanted = (each.eval().forward_features(scans) for each in (module, expected))
    np.testing.assert_array_equal(found.numpy(), wanted.numpy())
