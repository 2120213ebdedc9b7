"""Torch modules: features, and maps that are the right way up for every kind of architecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import octlib
from octlib.models.configs import named_config, specify
from octlib.models.networks import random_module
from octlib.models.torch_modules import TimmFeatures, patch_grid
from octlib.preprocessing import Preprocessing

Build = Callable[..., Any]

# Scan size, map (channels, rows, columns), and arguments that make a large architecture small. Transformers with class
# token, with register tokens too, windows in NHWC, and convolutions with a norm after the pooling and without.
ARCHITECTURES: dict[str, tuple[tuple[int, int], tuple[int, int, int], dict[str, Any]]] = {
    "test_resnet": ((96, 64), (96, 3, 2), {}),
    "test_vit": ((64, 96), (64, 4, 6), {}),
    "vit_small_patch14_reg4_dinov2": ((56, 84), (48, 4, 6), {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "swin_tiny_patch4_window7_224": ((64, 96), (192, 2, 3), {"embed_dim": 24, "depths": [2, 2, 2, 2]}),
    "convnext_atto": ((64, 96), (64, 2, 3), {"depths": [1, 1, 1, 1], "dims": [8, 16, 32, 64]}),
    "mobilenetv2_100": ((128, 96), (1280, 4, 3), {}),
}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def case(request: pytest.FixtureRequest) -> tuple[Any, tuple[int, int, int], np.ndarray]:
    """Give a classifier of each architecture, the shape of its map, and two scans of its size."""
    size, shape, arguments = ARCHITECTURES[request.param]
    spec, _ = specify(named_config(request.param), size, origin="random", fixed_batchnorm=False)
    spec = replace(spec, model_args={**spec.model_args, **arguments})
    classifier = octlib.OctClassifier(
        backbone=spec,
        module=random_module(spec, seed=2),
        class_names=("a", "b", "c"),
        preprocessing=Preprocessing(size),
    )
    return classifier, shape, np.random.default_rng(5).integers(0, 256, (2, *size), dtype=np.uint8)


def maps_of(classifier: Any, scans: np.ndarray) -> torch.Tensor:
    caught: list[torch.Tensor] = []
    handle = classifier.backbone.module.feature_map.register_forward_hook(lambda *parts: caught.append(parts[2]))
    with torch.inference_mode():
        classifier.features(scans)
    handle.remove()
    return caught[0]


def test_maps_have_channels_rows_and_columns(case: Any) -> None:
    classifier, shape, scans = case
    assert tuple(maps_of(classifier, scans).shape) == (2, *shape)


def test_maps_lie_as_the_scan_does(case: Any) -> None:
    classifier, (_, rows, columns), scans = case
    height, width = classifier.image_size
    if classifier.backbone_name == "mobilenetv2_100":
        # With random weights, a network this deep blurs where a change was; its own layout is the map's anyway.
        native = torch.zeros(1, 4, rows, columns)
        assert classifier.backbone.module.to_map(native) is native
        return
    before = maps_of(classifier, scans[:1])
    for row, column in [(0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1)]:
        changed = scans[:1].copy()
        ys = slice(row * height // rows, (row + 1) * height // rows)
        xs = slice(column * width // columns, (column + 1) * width // columns)
        changed[:, ys, xs] = 255 - changed[:, ys, xs]
        change = (maps_of(classifier, changed) - before).abs().sum(dim=1)[0]
        assert divmod(int(change.argmax()), columns) == (row, column)


@pytest.mark.parametrize(
    ("architecture", "size", "shape"),
    [
        ("mvitv2_tiny", (96, 96), (768, 3, 3)),
        ("xcit_nano_12_p16_224", (96, 160), (128, 6, 10)),
        ("xcit_nano_12_p16_224", (160, 100), (128, 10, 7)),
        ("levit_128s", (160, 320), (384, 3, 5)),
        ("coat_lite_tiny", (160, 96), (320, 5, 3)),
    ],
)
def test_a_grid_of_tokens_that_the_architecture_does_not_tell_is_found(
    architecture: str, size: Any, shape: Any
) -> None:
    classifier = octlib.build_classifier(architecture, weights=None, image_size=size)
    scans = np.zeros((2, *size), np.uint8)
    maps = maps_of(classifier, scans)
    assert tuple(maps.shape) == (2, *shape)
    torch.testing.assert_close(classifier.features(scans).detach(), maps.mean(dim=(2, 3)), rtol=1e-4, atol=1e-5)


@given(
    side=st.integers(1, 32),
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    rest=st.tuples(st.integers(0, 31), st.integers(0, 31)),
    cut_counts=st.booleans(),
)
def test_a_grid_of_square_patches_is_found_or_refused(
    side: int, rows: int, columns: int, rest: tuple[int, int], cut_counts: bool
) -> None:
    size = (rows * side + rest[0] % side, columns * side + rest[1] % side)
    true = (-(-size[0] // side), -(-size[1] // side)) if cut_counts else (rows, columns)
    try:
        found = patch_grid(true[0] * true[1], size)
    except ValueError:  # Several grids have as many patches.
        found = None
    assert found == true or (found is None and size[0] != size[1])


def test_a_grid_that_can_not_be_told_is_refused() -> None:
    with pytest.raises(ValueError, match="13 patches of scans of 64 x 96 pixels lie in no grid"):
        patch_grid(13, (64, 96))


def test_average_features_are_the_mean_of_the_map(case: Any) -> None:
    classifier, (channels, _, _), scans = case
    features = classifier.features(scans).detach()
    assert tuple(features.shape) == (2, channels)
    mean = maps_of(classifier, scans).mean(dim=(2, 3))
    if classifier.backbone_name.startswith("convnext"):  # A norm follows.
        mean = classifier.backbone.module.module.head.norm(mean[..., None, None]).flatten(1).detach()
    torch.testing.assert_close(features, mean, rtol=1e-4, atol=1e-5)


def test_native_layout_and_map_are_two_views_of_the_same(case: Any) -> None:
    classifier, _, scans = case
    module = classifier.backbone.module
    with torch.inference_mode():
        native = module.module.forward_features(module.normalised(torch.from_numpy(scans)))
        assert torch.equal(module._to_native(module.to_map(native), native), native)


def test_a_class_activation_has_gradients_everywhere_on_the_map(case: Any) -> None:
    classifier, _, scans = case
    plain = classifier.to_torch()
    caught: list[torch.Tensor] = []
    plain.backbone.feature_map.register_forward_hook(lambda *parts: caught.append(parts[2]))
    plain.backbone.feature_map.register_forward_pre_hook(lambda _, inputs: (inputs[0].detach().requires_grad_(),))
    logits = plain(torch.from_numpy(scans))
    (gradient,) = torch.autograd.grad(logits[:, 0].sum(), caught[0])
    assert (gradient.abs().sum(dim=1) > 0).all()  # with a class token it would be zero on every patch


@pytest.mark.parametrize("pooling", ["average", "flatten"])
def test_saving_keeps_the_probabilities(case: Any, tmp_path: Any, pooling: str) -> None:
    classifier, shape, scans = case
    if pooling == "flatten":
        # The same backbone, without building it once more from random numbers.
        classifier = octlib.OctClassifier.from_config({**classifier.get_config(), "pooling": "flatten"})
        assert classifier.head.kernel.shape[0] == np.prod(shape)
        np.testing.assert_array_equal(
            classifier.features(scans).detach().numpy(), maps_of(classifier, scans).flatten(1).numpy()
        )
    classifier.save(tmp_path / "classifier")
    loaded = octlib.load_classifier(tmp_path / "classifier")
    assert loaded.image_size == classifier.image_size
    np.testing.assert_array_equal(loaded(scans).detach().numpy(), classifier(scans).detach().numpy())


def test_grey_and_colour_of_equal_channels_agree(build: Build, scans: np.ndarray) -> None:
    module = build().backbone.module.eval()
    grey = torch.from_numpy(scans)
    for other in (grey.unsqueeze(1), grey.unsqueeze(1).expand(-1, 3, -1, -1), grey.float()):
        torch.testing.assert_close(module(other), module(grey))


def test_colours_are_not_mixed_up(build: Build, scans: np.ndarray) -> None:
    module = build().backbone.module.eval()
    colour = torch.stack([torch.from_numpy(scans), torch.zeros(5, 64, 64), torch.zeros(5, 64, 64)], dim=1)
    assert not torch.allclose(module(colour), module(colour.flip(1)), rtol=1e-3)


@pytest.mark.parametrize("shape", [(2, 32, 64), (2, 1, 64, 32), (2, 3, 128, 128), (2, 64, 64, 3)])
def test_other_sizes_are_an_error_that_helps(build: Build, shape: tuple[int, ...]) -> None:
    module = build().backbone.module
    with pytest.raises(ValueError, match=r"64 x 64 pixels \(height x width\).*classifier\.preprocess\(scans\)"):
        module(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(64, 64), (2, 2, 64, 64), (2, 5, 64, 64), (1, 2, 1, 64, 64)])
def test_other_channels_are_an_error_too(build: Build, shape: tuple[int, ...]) -> None:
    module = build().backbone.module
    with pytest.raises(ValueError, match="grey or RGB"):
        module(torch.zeros(shape))


def modes(module: TimmFeatures) -> set[bool]:
    return {part.training for part in module.module.modules()}


def test_frozen_parts_stay_in_evaluation_mode(build: Build) -> None:
    module = build(freeze=False).backbone.module
    module.frozen = True
    assert modes(module.train()) == {False}
    module.frozen = False
    assert modes(module.train()) == {True}
    assert modes(module.eval()) == {False}


def test_a_part_without_a_parameter_that_learns_stays_in_evaluation_mode(build: Build) -> None:
    module = build(freeze=False).backbone.module
    for name in ("conv1", "bn1", "layer1"):
        getattr(module.module, name).requires_grad_(False)
    module.train()
    for name, part in module.module.named_modules():
        # What has no parameters of its own, such as a ReLU, follows the part that it is in.
        if name.split(".")[0] in {"conv1", "bn1", "layer1"}:
            assert not part.training, name
        elif list(part.parameters()):
            assert part.training, name


def test_batchnorm_that_was_trained_already_stays_in_evaluation_mode(build: Build) -> None:
    module = build(freeze=False).backbone.module
    module.frozen, module.fixed_batchnorm = False, True
    module.train()
    batchnorms = [part for part in module.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert batchnorms
    assert not any(part.training for part in batchnorms)
    assert module.module.conv1.training


def test_modes_are_set_once_for_a_pass(build: Build, monkeypatch: pytest.MonkeyPatch, scans: np.ndarray) -> None:
    classifier = build(freeze=False)
    calls: list[bool] = []
    train = TimmFeatures.train
    monkeypatch.setattr(TimmFeatures, "train", lambda self, mode=True: (calls.append(mode), train(self, mode))[1])
    for training in (False, False, True, True, True, False):
        classifier(scans, training=training)
        assert modes(classifier.backbone.module) == {training}
    assert calls == [False, True, False]


def test_what_learns_decides_the_modes_anew(build: Build, scans: np.ndarray) -> None:
    classifier = build(freeze=False)
    batchnorm = classifier.backbone.module.module.bn1
    for change, wanted in (
        (lambda: None, True),
        (lambda: classifier.unfreeze(stages=1), False),
        (classifier.unfreeze, True),
        (lambda: setattr(classifier.backbone, "trainable", False), False),
        (batchnorm.train, False),
    ):
        change()
        classifier(scans, training=True)
        assert batchnorm.training == wanted


# Whose first layer is a convolution of one pixel that skips every other one: torch dies where it learns channels last.
@pytest.mark.parametrize("name", ["repvgg_a0", "mobileone_s0"])
def test_networks_that_channels_last_would_kill_learn(name: str) -> None:
    classifier = octlib.build_classifier(name, weights=None, freeze=False, image_size=64, class_names=("A", "B"))
    features = classifier.backbone.module
    before = {key: value.clone() for key, value in features.named_parameters()}
    scans = torch.randint(0, 256, (4, 64, 64), dtype=torch.uint8)
    features.prepare(training=True, frozen=False)
    loss = features(scans).square().mean()
    loss.backward()
    torch.optim.SGD(features.parameters(), 0.1).step()
    assert all(torch.isfinite(value).all() for value in features.parameters())
    assert any(not torch.equal(before[key], value) for key, value in features.named_parameters())


def test_others_have_channels_last(case: Any) -> None:
    module = case[0].backbone.module
    maps = module.normalised(torch.zeros(2, *module.image_size))
    assert maps.is_contiguous(memory_format=torch.channels_last)
