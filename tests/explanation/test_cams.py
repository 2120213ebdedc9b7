"""CAMs: every layout, every layer, and a classifier that nothing can change."""

from __future__ import annotations

import numpy as np
import pytest
import pytorch_grad_cam as grad_cam
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from octlib.explanation import METHODS

# Architecture, image size, layer, its grid (rows, columns) and its layout.
LAYOUTS = [
    ("resnet10t", (64, 96), "layer4", (2, 3), "NCHW"),
    ("vit_tiny_patch16_224", (32, 64), "blocks.11", (2, 4), "tokens1"),
    ("vit_small_patch14_reg4_dinov2", (28, 56), "blocks.11", (2, 4), "tokens5"),
    ("small_swin", (64, 96), "layers.3", (2, 3), "NHWC"),
]
# One for each family that has to be explained, at a small size.
BACKBONES = {
    "resnet50": (64, 96),
    "vit_tiny_patch16_224": (48, 64),
    "vit_small_patch14_reg4_dinov2": (42, 56),
    "small_swin": (64, 96),
    "convnext_atto": (64, 96),
    "mobilenetv2_050": (64, 96),
}


def noise(size, n=3):
    return np.random.default_rng(0).integers(0, 256, (n, *size), dtype=np.uint8)


def explained(classifier, method, layer, images, classes):
    module = classifier.to_torch().requires_grad_(False)
    return METHODS[method](module, torch.from_numpy(images).float().unsqueeze(1), np.array(classes), layer)


def maps_of(classifier, images, index, method="gradcam"):
    return explained(classifier, method, None, images, [index] * len(images))


@pytest.fixture(scope="module", params=BACKBONES)
def frozen(request, build):
    """A frozen classifier with random weights, its name, scans, and a map of each scan for each class."""
    size = BACKBONES[request.param]
    classifier, images = build(request.param, size), noise(size)
    return classifier, request.param, images, [maps_of(classifier, images, index) for index in range(4)]


def test_some_class_gives_a_map(frozen):
    *_, images, maps = frozen
    assert max(np.ptp(heat, axis=(1, 2)).max() for heat in maps) > 0.5
    for heat in maps:
        assert heat.shape == images.shape
        assert heat.dtype == np.float32
        assert heat.min() >= 0
        assert heat.max() <= 1


def test_another_target_gives_another_map(frozen):
    maps = frozen[-1]
    assert max(np.abs(maps[0] - other).max() for other in maps[1:]) > 0.1


def test_other_weights_give_another_map(frozen, build):
    classifier, name, images, maps = frozen
    other = build(name, classifier.image_size, seed=1)
    # The head stays as it was: it is the backbone's weights that have to matter.
    other.head.set_weights(classifier.head.get_weights())
    changed = [maps_of(other, images, index) for index in range(4)]
    assert max(np.abs(one - two).max() for one, two in zip(maps, changed, strict=True)) > 0.1


@pytest.mark.parametrize("named", [False, True], ids=["last map", "by name"])
@pytest.mark.parametrize("case", LAYOUTS, ids=[case[0] for case in LAYOUTS])
def test_the_peak_is_where_it_was_planted(plant, case, named):
    _, (height, width), layer, _, _ = case
    maps = explained(plant(*case), "gradcam", layer if named else None, noise((height, width), 2), [0, 3])
    peaks = [np.unravel_index(heat.argmax(), heat.shape) for heat in maps]
    rows, columns = case[3]
    assert peaks[0][0] < height / rows
    assert peaks[0][1] >= width * (1 - 1 / columns)
    assert peaks[1][0] >= height * (1 - 1 / rows)
    assert peaks[1][1] < width / columns
    # The rest of the scan is silent: nothing of one planted place shows at the other.
    assert maps[0][-1, 0] == maps[1][0, -1] == 0


def test_layers_give_maps_of_their_own(build):
    classifier, images = build(), noise((64, 96))
    early, late = (explained(classifier, "eigencam", layer, images, [0, 0, 0]) for layer in ("stages.0", "stages.3"))
    assert np.abs(early - late).max() > 0.1


def test_unknown_layers_are_met_with_a_suggestion(build):
    with pytest.raises(ValueError, match=r"Unknown layer 'stage\.3': did you mean 'stages\.3'"):
        explained(build(), "gradcam", "stage.3", noise((64, 96)), [0] * 3)
    with pytest.raises(ValueError, match="Unknown layer ''"):
        explained(build(), "gradcam", "", noise((64, 96)), [0] * 3)


@pytest.mark.parametrize("layer", ["head.fc", "head.flatten"])
def test_layers_without_a_map_are_refused(build, layer):
    with pytest.raises(ValueError, match=f"{layer}' doesn't. Choose a stage or a block"):
        explained(build(), "gradcam", layer, noise((64, 96)), [0] * 3)


def test_maps_of_windows_are_refused(build):
    with pytest.raises(ValueError, match=r"attn' doesn't. Choose a stage or a block"):
        explained(build("small_swin"), "gradcam", "layers.0.blocks.0.attn", noise((64, 96)), [0] * 3)


# What a backbone pools, in each form: a list of branches, tokens behind others, a head that refuses the mean.
TAILS = {
    "resnet10t": (64, 96),
    "test_vit": (160, 160),
    "small_swin": (64, 96),
    "test_convnext": (64, 96),
    "mobilenetv2_050": (64, 96),
    "deit_tiny_distilled_patch16_224": (32, 64),
    "efficientvim_m1": (64, 64),
}


@pytest.mark.parametrize("pooling", ["average", "flatten"])
@pytest.mark.parametrize("name", TAILS)
def test_maps_are_those_of_the_whole_network(build, name, pooling):
    """What the short way from the last map gives is what grad-cam gives that runs everything, weights unfrozen."""
    classifier, images = build(name, TAILS[name], pooling=pooling), noise(TAILS[name])
    module, classes = classifier.to_torch(), [0, 3, 1]
    scans = torch.from_numpy(images).float().unsqueeze(1)
    for method, cam in (("gradcam", grad_cam.GradCAM), ("layercam", grad_cam.LayerCAM)):
        whole = cam(module, [module.backbone.feature_map])(scans, [ClassifierOutputTarget(each) for each in classes])
        np.testing.assert_allclose(explained(classifier, method, None, images, classes), whole, atol=1e-4)


@pytest.mark.parametrize("layer", ["layer2", "layer4.0.conv1"])
def test_maps_of_a_layer_are_those_of_the_whole_network(build, layer):
    """Gradients begin at the layer, also where the next one works in place."""
    classifier, images, classes = build("resnet10t"), noise((64, 96)), [0, 3, 1]
    module = classifier.to_torch()
    watched = module.backbone.module.get_submodule(layer)
    whole = grad_cam.GradCAM(module, [watched])(
        torch.from_numpy(images).float().unsqueeze(1), [ClassifierOutputTarget(each) for each in classes]
    )
    np.testing.assert_allclose(explained(classifier, "gradcam", layer, images, classes), whole, atol=1e-4)


@pytest.mark.parametrize("logit", [2.0, -2.0])
def test_ablation_shows_what_the_logit_needs_whatever_its_sign(plant, logit):
    classifier = plant(*LAYOUTS[0])
    kernel, bias = classifier.head.get_weights()
    classifier.head.set_weights([kernel, bias + logit])
    maps = explained(classifier, "ablationcam", None, noise((64, 96), 2), [0, 3])
    assert np.unravel_index(maps[0].argmax(), maps[0].shape)[1] >= 64
    assert maps[0][-1, 0] == maps[1][0, -1] == 0


# One of each form: it takes a pass for every channel.
@pytest.mark.parametrize("case", [LAYOUTS[0], LAYOUTS[1], LAYOUTS[3]], ids=lambda case: case[0])
def test_ablation_takes_every_layout(plant, case):
    classifier, images = plant(*case), noise(case[1], 1)
    last, named = (explained(classifier, "ablationcam", layer, images, [3]) for layer in (None, case[2]))
    assert np.ptp(last, axis=(1, 2)).min() > 0.5
    np.testing.assert_allclose(named, last, atol=1e-4)
