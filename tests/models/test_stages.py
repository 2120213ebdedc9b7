"""Stages: every parameter once, from the input to the output."""

from __future__ import annotations

import pytest
import timm

from octlib.models.stages import parameter_stages

# How many, and the stage of a parameter in the first and of one in the last.
ARCHITECTURES = {
    "test_resnet": (5, "conv1.0.weight", "layer4.0.conv1.weight"),
    "resnet50": (5, "conv1.weight", "layer4.2.bn3.bias"),
    "test_efficientnet": (6, "conv_stem.weight", "bn2.weight"),
    "mobilenetv2_100": (8, "conv_stem.weight", "bn2.weight"),
    "mobilenetv3_small_050": (8, "conv_stem.weight", "conv_head.bias"),
    "test_convnext": (5, "stem.0.weight", "head.norm.weight"),
    "test_vit": (7, "cls_token", "norm.weight"),
    "test_byobnet": (5, "stem.conv.weight", "stages.3.0.conv1_1x1.bn.weight"),
    "densenet121": (5, "features.conv0.weight", "features.norm5.weight"),
    "regnetx_002": (5, "stem.conv.weight", "s4.b7.conv3.bn.bias"),
    "inception_v3": (13, "Conv2d_1a_3x3.conv.weight", "Mixed_7c.branch_pool.bn.bias"),
    "swin_tiny_patch4_window7_224": (5, "patch_embed.proj.weight", "norm.weight"),
}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_parameter_is_in_one_stage_and_in_order(architecture: str) -> None:
    module = timm.create_model(architecture, num_classes=0)
    stages = parameter_stages(module)
    parameters = dict(module.named_parameters())
    # timm's modules are written from the input to the output, and so are their parameters.
    assert [name for stage in stages for name in stage] == list(parameters)
    number, first, last = ARCHITECTURES[architecture]
    assert len(stages) == number
    assert first in stages[0]
    assert last in stages[-1]
    # No stage is a normalisation alone: to let that learn would be no fine-tuning.
    assert all(any(parameters[name].ndim > 1 for name in stage) for stage in stages)
