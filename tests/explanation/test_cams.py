"""CAMs: every method, every layout, and a classifier that nothing can change."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from octlib.explanation.cams import METHODS, CamMaker
from octlib.models.state import state_dict

# Architecture, image size, layer, its grid (rows, columns) and its layout.
LAYOUTS = [
    ("resnet10t", (64, 96), "layer4", (2, 3), "NCHW"),
    ("vit_tiny_patch16_224", (32, 64), "blocks.11", (2, 4), "tokens1"),
    ("vit_small_patch14_reg4_dinov2", (28, 56), "blocks.11", (2, 4), "tokens5"),
    ("swin_tiny_patch4_window7_224", (64, 96), "layers.3", (2, 3), "NHWC"),
]
# One for each family that has to be explained, at a small size.
BACKBONES = {
    "resnet50": (64, 96),
    "vit_tiny_patch16_224": (48, 64),
    "vit_small_patch14_reg4_dinov2": (42, 56),
    "swin_tiny_patch4_window7_224": (64, 96),
    "convnext_atto": (64, 96),
    "mobilenetv2_050": (64, 96),
}


def noise(size, n=3):
    return np.random.default_rng(0).integers(0, 256, (n, *size), dtype=np.uint8)


def maps_of(classifier, images, index, method="gradcam"):
    return CamMaker(classifier, method, None)(images, np.full(len(images), index))[0]


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


class Broken(METHODS["gradcam"]):
    """Fails after the gradients have been computed."""

    def compute_cam_per_layer(self, *_):
        raise ArithmeticError("planted")


@pytest.mark.parametrize("fault", [False, True], ids=["sound", "fault"])
def test_the_classifier_is_as_it_was(frozen, monkeypatch, fault):
    classifier, _, images, _ = frozen
    module = classifier.backbone.module
    parameters = dict(module.named_parameters())
    for place, parameter in enumerate(parameters.values()):
        parameter.requires_grad_(place % 2 == 0)
        parameter.grad = torch.full_like(parameter, 0.5) if place % 3 == 0 else None
    for place, part in enumerate(module.modules()):
        part.training = place % 2 == 0

    def state():
        return (
            {name: value.numpy().tobytes() for name, value in state_dict(classifier).items()},
            [part.training for part in module.modules()],
            {
                name: (value.requires_grad, None if value.grad is None else value.grad.numpy().tobytes())
                for name, value in parameters.items()
            },
            sum(len(part._forward_hooks) + len(part._backward_hooks) for part in module.modules()),
        )

    before = state()
    if fault:
        monkeypatch.setitem(METHODS, "gradcam", Broken)
        with pytest.raises(ArithmeticError, match="planted"):
            maps_of(classifier, images, 0)
    else:
        maps_of(classifier, images, 0)
    assert state() == before
    assert [id(value) for value in module.parameters()] == [id(value) for value in parameters.values()]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("name", "size"), [("test_convnext", 64), ("test_vit", 160)])
def test_every_method_works(build, capsys, name, size, method):
    images = np.repeat(noise((size, size), 1), 4, axis=0)
    maps, classes = CamMaker(build(name, size), method, None)(images, np.arange(4))
    assert maps.shape == (4, size, size)
    assert maps.dtype == np.float32
    assert maps.min() >= 0
    assert maps.max() <= 1
    assert np.ptp(maps, axis=(1, 2)).max() > 0.5
    assert classes.tolist() == [0, 1, 2, 3]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("own_layer", [False, True], ids=["last map", "by name"])
@pytest.mark.parametrize("case", LAYOUTS, ids=[case[0] for case in LAYOUTS])
def test_the_peak_is_where_it_was_planted(plant, case, own_layer):
    _, (height, width), layer, _, _ = case
    maker = CamMaker(plant(*case), "gradcam", layer if own_layer else None)
    maps, _ = maker(noise((height, width), 2), np.array([0, 3]))
    peaks = [np.unravel_index(heat.argmax(), heat.shape) for heat in maps]
    rows, columns = case[3]
    assert peaks[0][0] < height / rows
    assert peaks[0][1] >= width * (1 - 1 / columns)
    assert peaks[1][0] >= height * (1 - 1 / rows)
    assert peaks[1][1] < width / columns
    # The rest of the scan is silent: nothing of one planted place shows at the other.
    assert maps[0][-1, 0] == maps[1][0, -1] == 0


def test_the_predicted_class_stands_in_for_none(build):
    classifier, images = build(), noise((64, 96))
    predicted = classifier.predict(images, verbose=0).argmax(1)
    maps, classes = CamMaker(classifier, "gradcam", None)(images, np.array([-1, 2, -1]))
    assert classes.tolist() == [predicted[0], 2, predicted[2]]
    np.testing.assert_allclose(maps[0], maps_of(classifier, images, predicted[0])[0], atol=1e-5)


def test_layers_give_maps_of_their_own(build):
    classifier, images = build(), noise((64, 96))
    early = CamMaker(classifier, "eigencam", "stages.0")(images, np.zeros(3, int))[0]
    late = CamMaker(classifier, "eigencam", "stages.3")(images, np.zeros(3, int))[0]
    assert np.abs(early - late).max() > 0.1


def test_unknown_names_are_met_with_a_suggestion(build):
    with pytest.raises(ValueError, match="Unknown method 'gradcan': did you mean 'gradcam'"):
        CamMaker(build(), "gradcan", None)
    with pytest.raises(ValueError, match=r"Unknown layer 'stage\.3': did you mean 'stages\.3'"):
        CamMaker(build(), "gradcam", "stage.3")
    with pytest.raises(ValueError, match="Unknown layer ''"):
        CamMaker(build(), "gradcam", "")


@pytest.mark.parametrize("layer", ["head.fc", "head.flatten"])
def test_layers_without_a_map_are_refused(build, layer):
    maker = CamMaker(build(), "gradcam", layer)
    with pytest.raises(ValueError, match=f"{layer}' doesn't. Choose a stage or a block"):
        maker(noise((64, 96)), np.zeros(3, int))


def test_ablation_of_tokens_is_refused(build):
    maker = CamMaker(build("test_vit", 160), "ablationcam", "blocks.1")
    with pytest.raises(ValueError, match=r"ablationcam needs .* choose another method"):
        maker(noise((160, 160)), np.zeros(3, int))
