"""Maps: one spatial map by a general rule, from every shape in which timm's architectures give features."""

from __future__ import annotations

import pytest
import torch

import octlib
from octlib.errors import UnsupportedNetworkError
from octlib.models.configs import named_config, specify
from octlib.models.networks import random_module
from octlib.models.stages import parameter_stages
from octlib.models.torch_modules import TimmFeatures

# An architecture of each family, and its map at its own size: channels, height, width.
FAMILIES = {
    "test_resnet": (96, 5, 5),  # channels first
    "lambda_resnet26t": (2048, 8, 8),  # convolutions over three dimensions
    "test_vit": (64, 10, 10),  # tokens, with a class token
    "vit_small_patch14_reg4_dinov2": (384, 37, 37),  # class and register tokens
    "swin_tiny_patch4_window7_224": (768, 7, 7),  # channels last
    "deit_tiny_distilled_patch16_224": (192, 14, 14),  # two class tokens, and a head that refuses the mean
    "levit_128s": (384, 4, 4),  # tokens without a class token, whose grid nobody tells
    "mvitv2_tiny": (768, 7, 7),  # the same with a class token
    "coat_tiny": (152, 7, 7),  # a list of tokens
    "crossvit_9_240": (256, 14, 14),  # a list of tokens of two sizes
    "efficientvim_m1": (320, 4, 4),  # a list, with tokens last
    "mobilenetv5_300m_enc": (2048, 16, 16),  # another one
    "deepseek_vit_412m_enc": (1024, 39, 39),  # an encoder without a head
}


def built(name: str, pooling: str) -> TimmFeatures:
    """Build an architecture on the device that knows shapes alone."""
    spec, size = specify(named_config(name), None, origin="random", fixed_batchnorm=False)
    with torch.device("meta"):
        return TimmFeatures(random_module(spec), spec, pooling, size).eval()


@pytest.mark.parametrize("architecture", FAMILIES, indirect=True)
def test_a_map_is_channels_height_and_width(architecture: str) -> None:
    features, seen = built(architecture, "average"), []
    features.feature_map.register_forward_hook(lambda *call: seen.append(tuple(call[-1].shape)))
    with torch.inference_mode():
        pooled = features(torch.zeros(2, *features.image_size, device="meta"))
    assert seen == [(2, *FAMILIES[architecture])]
    assert pooled.ndim == 2
    assert len(pooled) == 2
    with torch.inference_mode():
        flat = built(architecture, "flatten")(torch.zeros(2, *features.image_size, device="meta"))
    channels, height, width = FAMILIES[architecture]
    assert flat.shape == (2, channels * height * width)


@pytest.mark.parametrize(
    "architecture", ["coat_tiny", "crossvit_9_240", "efficientvim_m1", "deit_tiny_distilled_patch16_224"], indirect=True
)
def test_places_of_a_map_are_places_of_the_scan(architecture: str) -> None:
    spec, size = specify(named_config(architecture), None, origin="random", fixed_batchnorm=False)
    features, seen = TimmFeatures(random_module(spec), spec, "average", size).eval(), []
    features.feature_map.register_forward_hook(lambda *call: seen.append(call[-1]))
    scans = torch.zeros(2, *size)
    scans[1, : size[0] // 8, : size[1] // 8] = 255  # a corner
    with torch.inference_mode():
        features(scans)
    change = (seen[0][1] - seen[0][0]).abs().mean(0)
    assert divmod(int(change.argmax()), change.shape[1]) in {(0, 0), (0, 1), (1, 0), (1, 1)}


@pytest.mark.parametrize("size", [(64, 128), (128, 64)])
@pytest.mark.parametrize(
    "architecture", ["test_resnet", "test_convnext", "test_vit", "test_vit_relpos", "test_maxvit"], indirect=True
)
def test_places_of_a_wide_or_high_scan_are_those_of_its_map(architecture: str, size: tuple[int, int]) -> None:
    spec, size = specify(named_config(architecture), size, origin="random", fixed_batchnorm=False)
    features, seen = TimmFeatures(random_module(spec), spec, "average", size).eval(), []
    features.feature_map.register_forward_hook(lambda *call: seen.append(call[-1]))
    scans = torch.zeros(2, *size)
    scans[1, :16, -16:] = 255  # top right
    with torch.inference_mode():
        features(scans)
        native = features.module.forward_features(features.normalised(scans))
    change = (seen[0][1] - seen[0][0]).abs().mean(0)
    rows, columns = change.shape
    assert rows / columns == size[0] / size[1]
    row, column = divmod(int(change.argmax()), columns)
    assert row < rows / 2
    assert column >= columns / 2
    patches = native if native.ndim == 4 else native[:, -rows * columns :].transpose(1, 2)
    torch.testing.assert_close(seen[0].flatten(2), patches.flatten(2))


@pytest.mark.parametrize("name", ["pit_ti_224", "pit_ti_distilled_224"])
def test_an_architecture_without_a_map_is_named(name: str) -> None:
    with pytest.raises(UnsupportedNetworkError, match=r"PoolingVisionTransformer gives \d patches.* 27 x 27: no map"):
        octlib.build_classifier(name, weights=None)


@pytest.mark.parametrize("architecture", ["efficientvim_m1"], indirect=True)
def test_what_timm_holds_still_is_in_no_stage(architecture: str) -> None:
    module = random_module(specify(named_config(architecture), None, origin="random", fixed_batchnorm=False)[0])
    still = {name for name, parameter in module.named_parameters() if not parameter.requires_grad}
    assert still
    stages = parameter_stages(module)
    assert all(stages)
    assert {name for stage in stages for name in stage} == {name for name, _ in module.named_parameters()} - still
